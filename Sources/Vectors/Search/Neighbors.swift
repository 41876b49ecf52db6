/// The nearest vectors of some queries: `k` places a query, nearest first.
public struct Neighbors: Sendable, Hashable {
    public let queryCount: Int
    public let k: Int
    /// `[queryCount, k]`.
    public var distances: [Float]
    /// `[queryCount, k]`; −1 where nothing was found.
    public var labels: [Int64]

    /// All places empty.
    public init(queryCount: Int, k: Int, metric: Metric) {
        self.queryCount = queryCount
        self.k = k
        distances = Array(repeating: metric.missingDistance, count: queryCount * k)
        labels = Array(repeating: -1, count: queryCount * k)
    }

    /// The results of consecutive queries.
    init(joining parts: [Neighbors], k: Int) {
        self.k = k
        queryCount = parts.reduce(0) { $0 + $1.queryCount }
        distances = parts.flatMap(\.distances)
        labels = parts.flatMap(\.labels)
    }

    /// Takes away what was found for a query.
    mutating func clear(query: Int, metric: Metric) {
        for place in query * k..<(query + 1) * k {
            distances[place] = metric.missingDistance
            labels[place] = -1
        }
    }

    mutating func store(_ top: consuming TopK, query: Int) {
        var place = query * k
        for (distance, label) in top.sorted() {
            distances[place] = distance
            labels[place] = label
            place += 1
        }
    }
}

/// The vectors within a radius of some queries.
public struct RangeHits: Sendable, Hashable {
    /// The hits of query `q` are at `limits[q]..<limits[q + 1]`.
    public private(set) var limits: [Int] = [0]
    public private(set) var distances: [Float] = []
    public private(set) var labels: [Int64] = []

    public init() {}

    mutating func append(_ hits: [(distance: Float, label: Int64)]) {
        for hit in hits.sorted(by: { $0.label < $1.label }) {
            distances.append(hit.distance)
            labels.append(hit.label)
        }
        limits.append(labels.count)
    }
}

/// Bounds on what one search may ask for.
enum SearchLimits {
    /// Places in one answer: 12 bytes each.
    static let resultLimit = 1 << 28

    static func check(k: Int, queryCount: Int) throws(VectorSearchError) {
        guard k >= 0 else { throw .negativeK(k) }
        let places = k.multipliedReportingOverflow(by: queryCount)
        guard !places.overflow, places.partialValue <= resultLimit else {
            throw .tooManyResults(k: k, queries: queryCount, limit: resultLimit)
        }
    }
}

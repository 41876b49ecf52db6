/// A set of bit vectors that can be searched by Hamming distance.
public protocol BinaryIndex: Sendable {
    /// Bits of a vector, a multiple of 8.
    var dimension: Int { get }
    var count: Int { get }
    var isTrained: Bool { get }

    /// The search parameters that this index, or one inside it, looks at.
    var acceptedParameters: Set<SearchParameters.Name> { get }

    /// The `k` nearest of each query. Callers use `search`, which checks its arguments first.
    func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors

    /// All vectors within a radius. Callers use `rangeSearch`, which checks its arguments first.
    func within(
        _ radius: Int, of queries: BinaryRows, parameters: SearchParameters
    ) throws -> RangeHits

    /// Adds vectors. Callers use `add`, which checks its arguments first.
    mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws

    /// Removes vectors and says how many. Callers use `remove`.
    mutating func delete(_ selector: IDSelector) throws -> Int

    /// Takes over vectors. Callers use `merge`, which checks first that the indexes match.
    mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws

    /// Gives every vector that has a label of its own another one. ID maps use it.
    mutating func relabel(_ change: (Int64) -> Int64) throws

    /// Forgets all vectors. Callers use `reset`.
    mutating func clear() throws

    /// Whether vectors are numbered in order, without gaps after a removal.
    var renumbersOnRemoval: Bool { get }

    /// The bytes of a vector.
    func reconstruct(_ id: Int64) throws -> [UInt8]

    /// Distances from a query to vectors by position, for graphs.
    func distances(from query: [UInt8]) throws -> any QueryDistances

    /// Writes the index as Faiss does.
    func write(to writer: inout IndexWriter) throws
}

extension BinaryIndex {
    /// Bytes of a vector.
    public var codeSize: Int { dimension / 8 }

    /// Finds the `k` nearest vectors of each query, nearest first, equal ones by label.
    ///
    /// Where fewer than `k` are found, label −1 stands beside the largest distance.
    /// - Parameter threads: how many share the queries; results do not depend on it.
    public func search(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters = SearchParameters(),
        threads: Int = 1
    ) throws -> BinaryNeighbors {
        try check(queries, parameters)
        try SearchLimits.check(k: k, queryCount: queries.count)
        guard k > 0, queries.count > 0 else {
            return BinaryNeighbors(queryCount: queries.count, k: k)
        }
        try parameters.limit?.check()
        guard threads > 1, queries.count > 1 else {
            return try nearest(queries, k: k, parameters: parameters)
        }
        let parts = try QueryThreads.map(queries.count, threads: threads) { part in
            try nearest(queries.rows(part), k: k, parameters: parameters)
        }
        var neighbors = BinaryNeighbors(queryCount: queries.count, k: k)
        neighbors.distances = parts.flatMap(\.distances)
        neighbors.labels = parts.flatMap(\.labels)
        return neighbors
    }

    /// Finds every vector that differs in fewer bits than `radius`.
    public func rangeSearch(
        _ queries: BinaryRows, radius: Int, parameters: SearchParameters = SearchParameters()
    ) throws -> RangeHits {
        try check(queries, parameters)
        return try within(radius, of: queries, parameters: parameters)
    }

    private func check(_ queries: BinaryRows, _ parameters: SearchParameters) throws {
        guard queries.codeSize == codeSize else {
            throw VectorSearchError.wrongDimension(
                found: queries.codeSize * 8, expected: dimension)
        }
        guard isTrained else { throw VectorSearchError.notTrained }
        try parameters.check(against: acceptedParameters)
    }

    public func within(
        _ radius: Int, of queries: BinaryRows, parameters: SearchParameters
    ) throws -> RangeHits {
        throw VectorSearchError.unsupported("range search", by: "\(Self.self)")
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] {
        throw VectorSearchError.unsupported("reconstruction", by: "\(Self.self)")
    }

    public func distances(from query: [UInt8]) throws -> any QueryDistances {
        throw VectorSearchError.unsupported("distances by position", by: "\(Self.self)")
    }
}

/// The nearest bit vectors of some queries: `k` places a query, nearest first.
public struct BinaryNeighbors: Sendable, Hashable {
    public let queryCount: Int
    public let k: Int
    /// `[queryCount, k]`.
    public var distances: [Int32]
    /// `[queryCount, k]`; −1 where nothing was found.
    public var labels: [Int64]

    /// All places empty.
    public init(queryCount: Int, k: Int) {
        self.queryCount = queryCount
        self.k = k
        distances = Array(repeating: .max, count: queryCount * k)
        labels = Array(repeating: -1, count: queryCount * k)
    }

    /// Numbers of bits are whole, and exact as floats up to 2^24.
    mutating func store(_ top: consuming TopK, query: Int) {
        var place = query * k
        for (distance, label) in top.sorted() {
            distances[place] = Int32(distance)
            labels[place] = label
            place += 1
        }
    }
}

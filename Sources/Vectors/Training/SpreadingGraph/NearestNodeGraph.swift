/// For each vector of a set the numbers of those nearest to it.
package struct NearestNodeGraph: Sendable {
    /// K: neighbours of each vector, fewer only if there are no more.
    let degree: Int
    /// `[count, degree]`, nearest first.
    package private(set) var neighbors: [Int32]
    /// Whether the neighbours are the nearest indeed, and not found by descent.
    let isExact: Bool

    /// Up to so many vectors each is compared with all others, which takes no longer then.
    private static let exactLimit = 50_000
    /// Vectors whose neighbours are looked for at once.
    private static let batchSize = 4096

    /// - Parameter degree: as many as wanted.
    init(_ distances: NodeDistances, degree: Int, _ work: BuildWork) throws {
        let count = distances.count
        guard count > Self.exactLimit else {
            self = try NearestNodeGraph(exactly: distances, degree: degree, work)
            return
        }
        self.degree = degree
        isExact = false
        neighbors = NeighborDescent(degree: degree).graph(distances, work)
    }

    /// Compares each vector with all others.
    package init(exactly distances: NodeDistances, degree: Int, _ work: BuildWork) throws {
        let count = distances.count
        let degree = max(0, min(degree, count - 1))
        self.degree = degree
        isExact = true
        let index = FlatIndex(distances.rows, metric: distances.metric)
        var neighbors: [Int32] = []
        neighbors.reserveCapacity(count * degree)
        for first in stride(from: 0, to: count, by: Self.batchSize) {
            let nodes = first..<min(count, first + Self.batchSize)
            let found = try index.search(
                distances.rows.rows(nodes), k: degree + 1, threads: work.threads)
            for (place, node) in nodes.enumerated() {
                let labels = found.labels[place * (degree + 1)..<(place + 1) * (degree + 1)]
                // A vector is nearest to itself, but not by every metric, nor among equal ones.
                neighbors += labels.lazy.filter { $0 != Int64(node) }.prefix(degree).map {
                    // Nothing is near to what is not a number: such a node has itself.
                    $0 < 0 ? Int32(node) : Int32($0)
                }
            }
            work.report(
                TrainingProgress(stage: "neighbours", completed: nodes.upperBound, total: count))
        }
        self.neighbors = neighbors
    }

    func list(_ node: Int32) -> ArraySlice<Int32> {
        neighbors[Int(node) * degree..<(Int(node) + 1) * degree]
    }
}

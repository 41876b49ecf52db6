/// Builds navigating spreading-out graphs: few links a vector, in all directions, from the middle.
///
/// Source: Fu, Xiang, Wang, Cai, "Fast approximate nearest neighbor search with the navigating
/// spreading-out graph", 2019. Sizes and steps are those of Faiss, but links back are made for each
/// vector on its own, in the order of those that link to it, so the graph does not depend on the
/// threads; and every vector can be reached from the entry point, where Faiss may join one that
/// cannot be reached to another such one.
package struct SpreadingGraphBuilder: Sendable {
    /// R: the most links of a vector.
    package let degree: Int
    /// L: nodes that the search for links keeps.
    package var poolSize: Int { degree + 32 }
    /// C: candidates among which links are chosen.
    package var candidateLimit: Int { degree + 100 }
    /// GK: nearest neighbours from which the search for links begins.
    package static let neighborCount = 64
    /// Nodes that a search keeps unless it says otherwise.
    package static let searchSize = 16

    /// Neighbours of each vector.
    package private(set) var lists: [[Int32]] = []
    package private(set) var entryPoint: Int32 = 0
    /// Whether the nearest neighbours were exact.
    package private(set) var isExact = true

    /// Vectors whose links are looked for between two reports.
    private static let batchSize = 4096

    package init(degree: Int) {
        precondition(degree > 0, "a graph without links")
        self.degree = degree
    }

    /// Makes the graph of some vectors anew.
    package mutating func build(_ rows: VectorRows, metric: Metric, _ work: BuildWork) throws {
        lists = []
        guard rows.count > 0 else { return }
        let distances = NodeDistances(rows: rows, metric: metric)
        let graph = try NearestNodeGraph(distances, degree: Self.neighborCount, work)
        isExact = graph.isExact
        var random = FaissRandom(seed: 0x0903)
        entryPoint = middle(graph, distances, from: Int32(random.integer(below: rows.count)))
        link(graph, distances, work)
        SpreadingTree(degree: degree, entryPoint: entryPoint, poolSize: poolSize)
            .connect(&lists, distances, &random)
    }

    /// The vector nearest to the mean, as a walk finds it.
    private func middle(
        _ graph: NearestNodeGraph, _ distances: NodeDistances, from start: Int32
    ) -> Int32 {
        var walk = NodeWalk(count: distances.count)
        walk.walk(
            to: distances.rows.mean(), start: graph.list(start), size: poolSize, distances,
            neighbors: graph.list)
        return walk.nearest ?? start
    }

    private mutating func link(
        _ graph: NearestNodeGraph, _ distances: NodeDistances, _ work: BuildWork
    ) {
        let count = distances.count
        var forward: [[NodeDistance]] = []
        forward.reserveCapacity(count)
        let (this, entry) = (self, entryPoint)
        for first in stride(from: 0, to: count, by: Self.batchSize) {
            let size = min(Self.batchSize, count - first)
            let parts = QueryThreads.map(size, threads: work.threads, pieces: 4) { part in
                var walk = NodeWalk(count: count)
                return part.map { place in
                    this.links(of: Int32(first + place), from: entry, graph, distances, &walk)
                }
            }
            forward += parts.joined()
            work.report(
                TrainingProgress(stage: "graph", completed: first + size, total: count))
        }
        // Those that link to each, in their order.
        var sources = [[NodeDistance]](repeating: [], count: count)
        for (node, links) in forward.enumerated() {
            for link in links {
                sources[Int(link.node)].append(NodeDistance(node: Int32(node), key: link.key))
            }
        }
        let (links, back) = (forward, sources)
        lists = QueryThreads.map(count, threads: work.threads, pieces: 4) { part in
            part.map { node in
                var list = links[node]
                for source in back[node] { this.add(source, to: &list, distances) }
                return list.map(\.node)
            }
        }.flatMap { $0 }
    }

    /// Links of a vector: the nearest, each only if no nearer one is closer to it than the vector.
    private func links(
        of node: Int32, from entry: Int32, _ graph: NearestNodeGraph, _ distances: NodeDistances,
        _ walk: inout NodeWalk
    ) -> [NodeDistance] {
        let dimension = distances.rows.dimension
        return distances.rows.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return [] }
            let vector = base + Int(node) * dimension
            walk.walk(
                to: vector, start: graph.list(entry), size: poolSize, distances,
                neighbors: graph.list)
            var candidates = walk.met
            let others = graph.list(node).filter { walk.isNewlyMet($0) }
            var keys: [Float] = []
            distances.fill(&keys, from: vector, to: others)
            candidates += zip(others, keys).map { NodeDistance(node: $0, key: $1) }
            candidates.removeAll { $0.node == node || $0.key.isNaN }
            candidates.sort(by: NodeDistance.isBefore)
            return spread(candidates.prefix(candidateLimit - 1), distances)
        }
    }

    /// Keeps those of some candidates, nearest first, that no kept one is closer to.
    private func spread(
        _ candidates: some Sequence<NodeDistance>, _ distances: NodeDistances
    ) -> [NodeDistance] {
        var kept: [NodeDistance] = []
        var nodes: [Int32] = []
        var keys: [Float] = []
        for candidate in candidates {
            guard kept.count < degree else { break }
            distances.fill(&keys, from: candidate.node, to: nodes)
            if keys.contains(where: { $0 < candidate.key }) { continue }
            kept.append(candidate)
            nodes.append(candidate.node)
        }
        return kept
    }

    /// Adds a link back; a list that is full is spread again.
    private func add(
        _ source: NodeDistance, to list: inout [NodeDistance], _ distances: NodeDistances
    ) {
        guard !list.contains(where: { $0.node == source.node }) else { return }
        guard list.count >= degree else {
            list.append(source)
            return
        }
        let kept = spread((list + [source]).sorted(by: NodeDistance.isBefore), distances)
        // As in Faiss, places that are not taken keep what they had.
        let rest = list.dropFirst(kept.count).filter { old in
            !kept.contains { $0.node == old.node }
        }
        list = kept + rest
    }
}

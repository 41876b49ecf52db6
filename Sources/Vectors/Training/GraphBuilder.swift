import FathomKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Builds the layers of neighbour lists of an HNSW graph.
///
/// Source: Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using
/// Hierarchical Navigable Small World graphs", 2016. Levels, order of insertion and pruning are
/// those of Faiss; the links are near to its, but not the same. Vectors come one after the other
/// into a small graph; into a large one they come some at a time, whose searches threads share out.
struct GraphBuilder: Sendable {
    /// M: neighbours of a vector on the upper layers; twice as many at the bottom.
    let linkCount: Int
    let constructionDepth: Int
    let searchDepth: Int
    /// The share of its places that a list loses when it is full and pruned.
    private static let headroom: Float = 0.2

    let levelProbabilities: [Double]
    let levelStarts: [Int32]
    private(set) var levels: [Int32] = []
    private(set) var offsets: [UInt64] = [0]
    private(set) var neighbors: [Int32] = []
    private(set) var entryPoint: Int32 = -1
    private(set) var maximumLevel: Int32 = -1
    private var random = LevelRandom()

    /// Kept between additions, so that levels go on where they stopped.
    private struct LevelRandom: Sendable {
        var generator = MersenneTwister(seed: 12345)

        mutating func float() -> Float { Float(generator.next()) / Float(UInt32.max) }
    }

    init(linkCount: Int, constructionDepth: Int = 40, searchDepth: Int = 16) {
        precondition(linkCount >= 2, "a graph needs at least 2 links a vector")
        self.linkCount = linkCount
        self.constructionDepth = constructionDepth
        self.searchDepth = searchDepth
        let scale = Float(1 / log(Double(linkCount)))
        var probabilities: [Double] = []
        var starts: [Int32] = [0]
        while true {
            let level = Float(probabilities.count)
            let probability = Float(exp(Double(-level / scale)) * (1 - exp(Double(-1 / scale))))
            guard probability >= 1e-9 else { break }
            starts.append((starts.last ?? 0) + Int32((probabilities.isEmpty ? 2 : 1) * linkCount))
            probabilities.append(Double(probability))
        }
        levelProbabilities = probabilities
        levelStarts = starts
    }

    /// Places for links that a graph of so many vectors has.
    func linkPlaces(_ count: Int) -> Int {
        var builder = emptied()
        return (0..<count).reduce(0) { sum, _ in
            sum + Int(levelStarts[builder.randomLevel() + 1])
        }
    }

    /// Places for links of a vector, on average.
    var meanLinkPlaces: Double {
        levelProbabilities.enumerated().reduce(0) {
            $0 + $1.element * Double(levelStarts[$1.offset + 1])
        }
    }

    /// A builder that goes on with a graph; levels are drawn anew, as in Faiss after reading.
    ///
    /// - Throws: `IndexChangeError` where the graph's tables of levels cannot be used to draw.
    init(_ graph: HNSWGraph) throws(IndexChangeError) {
        let starts = graph.levelStarts
        let widths = zip(starts, starts.dropFirst()).map { $1 - $0 }
        guard !graph.levelProbabilities.isEmpty, graph.levelProbabilities.count < starts.count,
            widths.prefix(graph.levelProbabilities.count).allSatisfy({ $0 > 0 }),
            graph.efConstruction > 0
        else {
            throw .refused(
                "take more vectors", by: "a graph whose tables of levels are not whole",
                remedy: "build a new graph")
        }
        linkCount = Int(widths.count > 1 ? widths[1] : max(1, widths[0] / 2))
        constructionDepth = Int(graph.efConstruction)
        searchDepth = graph.efSearch
        levelProbabilities = graph.levelProbabilities
        levelStarts = starts
        levels = graph.levels
        offsets = graph.offsets
        neighbors = graph.neighbors
        entryPoint = graph.entryPoint
        maximumLevel = graph.maximumLevel
    }

    /// The same settings without vectors.
    func emptied() -> GraphBuilder {
        var emptied = self
        emptied.levels = []
        emptied.offsets = [0]
        emptied.neighbors = []
        emptied.entryPoint = -1
        emptied.maximumLevel = -1
        emptied.random = LevelRandom()
        return emptied
    }

    private mutating func randomLevel() -> Int {
        var left = Double(random.float())
        for (level, probability) in levelProbabilities.enumerated() {
            if left < probability { return level }
            left -= probability
        }
        return levelProbabilities.count - 1
    }

    /// Nodes that look for their neighbours at the same time, for a graph of some size.
    ///
    /// Each sees those before it, but is not yet a way to others; the number depends on the size alone, so the graph does not
    /// depend on the threads.
    private static func batchSize(_ count: Int) -> Int { min(512, max(1, count / 128)) }

    /// Adds the vectors from the first that the graph does not have yet.
    ///
    /// - Parameters:
    ///   - vectors: every vector, old and new, as distances are to be taken to it.
    ///   - queries: the new ones as they were given.
    /// - Precondition: the metric is L2 or the inner product.
    mutating func add(
        _ vectors: UnsafePointer<Float>, queries: VectorRows, metric: Metric, _ work: BuildWork
    ) {
        let first = levels.count
        guard queries.count > 0 else { return }
        var byLevel: [[Int32]] = []
        for node in first..<first + queries.count {
            let level = randomLevel()
            levels.append(Int32(level + 1))
            offsets.append((offsets.last ?? 0) + UInt64(levelStarts[level + 1]))
            while byLevel.count <= level { byLevel.append([]) }
            byLevel[level].append(Int32(node))
        }
        let size = Int(offsets.last ?? 0)
        neighbors.reserveLarge(size)
        neighbors += repeatElement(-1, count: size - neighbors.count)
        var shuffle = MersenneTwister(seed: 789)
        var linked = first
        let scratches = WalkScratches()
        for level in byLevel.indices.reversed() {
            var order = byLevel[level]
            for i in order.indices {
                order.swapAt(i, i + shuffle.next(below: order.count - i))
            }
            var begin = 0
            while begin < order.count {
                // A node that is higher than all others becomes the entry point of the next.
                let size =
                    level > maximumLevel
                    ? 1 : min(Self.batchSize(linked), order.count - begin)
                insert(
                    Array(order[begin..<begin + size]), level: level, vectors, queries,
                    first: first, metric, scratches, threads: work.threads)
                begin += size
                linked += size
                work.report(
                    TrainingProgress(
                        stage: "graph", completed: linked - first, total: queries.count))
            }
        }
    }

    /// What a node is to be linked with on one level, the farthest first.
    private struct Links: Sendable {
        let node: Int32
        let level: Int
        let neighbors: [Int32]
    }

    private mutating func insert(
        _ nodes: [Int32], level: Int, _ vectors: UnsafePointer<Float>, _ queries: VectorRows,
        first: Int, _ metric: Metric, _ scratches: WalkScratches, threads: Int
    ) {
        guard entryPoint >= 0 else {
            entryPoint = nodes[0]
            maximumLevel = Int32(level)
            return
        }
        // Starting a thread takes as long as a few nodes.
        let threads = nodes.count < 32 ? 1 : threads
        let (entry, top, depth, count) = (entryPoint, maximumLevel, constructionDepth, levels.count)
        let widest = levelStarts.indices.dropLast().reduce(0) {
            max($0, Int(levelStarts[$1 + 1] - levelStarts[$1]))
        }
        let starts = levelStarts
        withKernelGraph(vectors, queries.dimension, metric) { graph, lists in
            let parts = QueryThreads.map(nodes.count, threads: threads, pieces: 8) {
                part -> [Links] in
                let scratch = scratches.take(
                    nodeCount: count, capacity: depth, widestList: widest)
                defer { scratches.give(scratch) }
                return queries.values.withUnsafeBufferPointer { values in
                    guard let base = values.baseAddress else { return [] }
                    return graph.links(
                        of: nodes, part, base - first * queries.dimension, level: level,
                        from: entry, top: Int(top), starts, depth: depth, scratch)
                }
            }
            let links = parts.flatMap { $0 }
            for link in links {
                let list = lists.list(graph, link.node, level: link.level)
                for (place, neighbor) in link.neighbors.enumerated() { list[place] = neighbor }
            }
            // The lists of a neighbour are changed by one thread, in the order of the nodes.
            _ = QueryThreads.map(threads, threads: threads) { part in
                let scratch = LinkScratch(widest)
                for thread in part {
                    for level in 0...level {
                        var pairs = LinkPairs()
                        for link in links where link.level == level {
                            for neighbor in link.neighbors where Int(neighbor) % threads == thread {
                                pairs.append(from: neighbor, to: link.node)
                            }
                        }
                        let places = Float(starts[level + 1] - starts[level])
                        var graph = graph.graph
                        fk_graph_link_f32(
                            lists.neighbors, &graph, Int32(level),
                            Int(places - places * Self.headroom), pairs.sources, pairs.targets,
                            pairs.sources.count, scratch.nodes, scratch.keys)
                    }
                }
            }
        }
        if level > maximumLevel {
            maximumLevel = Int32(level)
            entryPoint = nodes[0]
        }
    }

    /// Links to be put into lists, in order.
    private struct LinkPairs {
        private(set) var sources: [Int32] = []
        private(set) var targets: [Int32] = []

        mutating func append(from source: Int32, to target: Int32) {
            sources.append(source)
            targets.append(target)
        }
    }

    /// The lists of all nodes while they are changed.
    private struct Lists: @unchecked Sendable {
        // Each list is written by one thread at a time, and read by others when none writes.
        let neighbors: UnsafeMutablePointer<Int32>

        func list(
            _ graph: KernelGraph, _ node: Int32, level: Int
        ) -> UnsafeMutablePointer<Int32> {
            neighbors + Int(graph.graph.offsets[Int(node)])
                + Int(graph.graph.level_starts[level])
        }
    }

    /// Memory for pruning a list.
    private final class LinkScratch {
        let nodes: UnsafeMutablePointer<Int32>
        let keys: UnsafeMutablePointer<Float>

        init(_ widestList: Int) {
            nodes = .allocate(capacity: widestList + 1)
            keys = .allocate(capacity: widestList + 1)
        }

        deinit {
            nodes.deallocate()
            keys.deallocate()
        }
    }

    /// The graph as kernels see it.
    private struct KernelGraph: @unchecked Sendable {
        // Points to what is alive and not moved as long as this is lent.
        let graph: fk_graph

        /// Looks for the neighbours of some of the nodes that are added at the same time, on all
        /// levels that they are on.
        func links(
            of nodes: [Int32], _ part: Range<Int>, _ queries: UnsafePointer<Float>,
            level nodeLevel: Int, from entry: Int32, top: Int, _ starts: [Int32], depth: Int,
            _ scratch: WalkScratch
        ) -> [Links] {
            var graph = graph
            var links: [Links] = []
            for level in (0...min(nodeLevel, top)).reversed() {
                let results = scratch.search(
                    &graph, queries, Array(nodes[part]), count: part.count,
                    WalkRoute(entry: entry, from: top, to: nodeLevel + 1, level: level), k: depth)
                let limit = Int(starts[level + 1] - starts[level])
                for (number, place) in part.enumerated() {
                    let node = nodes[place]
                    let neighbors = scratch.neighbors(
                        for: queries + Int(node) * graph.width, results, number,
                        others: nodes[..<place], limit: limit, &graph)
                    links.append(Links(node: node, level: level, neighbors: neighbors.reversed()))
                }
            }
            return links
        }
    }

    private mutating func withKernelGraph(
        _ vectors: UnsafePointer<Float>, _ dimension: Int, _ metric: Metric,
        _ body: (KernelGraph, Lists) -> Void
    ) {
        offsets.withUnsafeBufferPointer { offsets in
            levelStarts.withUnsafeBufferPointer { levelStarts in
                neighbors.withUnsafeMutableBufferPointer { neighbors in
                    guard let lists = neighbors.baseAddress else { return }
                    let graph = fk_graph(
                        rows: vectors, width: dimension, by_product: metric.isSimilarity ? 1 : 0,
                        offsets: offsets.baseAddress, neighbors: lists,
                        level_starts: levelStarts.baseAddress)
                    body(KernelGraph(graph: graph), Lists(neighbors: lists))
                }
            }
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.vector(levelProbabilities)
        try writer.vector(levelStarts)
        try writer.vector(levels)
        try writer.vector(offsets)
        try writer.vector(neighbors)
        try writer.value(entryPoint)
        try writer.value(maximumLevel)
        try writer.i32(constructionDepth)
        try writer.i32(searchDepth)
        try writer.i32(1)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Builds the layers of neighbour lists of an HNSW graph, one vector after the other.
///
/// Source: Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using
/// Hierarchical Navigable Small World graphs", 2016. Levels, order of insertion and pruning are
/// those of Faiss, so that one thread there and this give the same graph up to rounding.
struct GraphBuilder: Sendable {
    /// M: neighbours of a vector on the upper layers; twice as many at the bottom.
    let linkCount: Int
    let constructionDepth: Int
    let searchDepth: Int
    /// The share of its places that a list loses when it is full and pruned.
    private static let headroom: Float = 0.2

    let levelProbabilities: [Double]
    let levelStarts: [Int]
    private(set) var levels: [Int32] = []
    private(set) var offsets = [0]
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
        var starts = [0]
        while true {
            let level = Float(probabilities.count)
            let probability = Float(exp(Double(-level / scale)) * (1 - exp(Double(-1 / scale))))
            guard probability >= 1e-9 else { break }
            starts.append((starts.last ?? 0) + (probabilities.isEmpty ? 2 : 1) * linkCount)
            probabilities.append(Double(probability))
        }
        levelProbabilities = probabilities
        levelStarts = starts
    }

    /// Places for links that a graph of so many vectors has.
    func linkPlaces(_ count: Int) -> Int {
        var builder = emptied()
        return (0..<count).reduce(0) { sum, _ in sum + levelStarts[builder.randomLevel() + 1] }
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
        let starts = graph.levelStarts.map { Int($0) }
        let widths = zip(starts, starts.dropFirst()).map { $1 - $0 }
        guard !graph.levelProbabilities.isEmpty, graph.levelProbabilities.count < starts.count,
            widths.prefix(graph.levelProbabilities.count).allSatisfy({ $0 > 0 }),
            graph.efConstruction > 0
        else {
            throw .refused(
                "take more vectors", by: "a graph whose tables of levels are not whole",
                remedy: "build a new graph")
        }
        linkCount = widths.count > 1 ? widths[1] : max(1, widths[0] / 2)
        constructionDepth = Int(graph.efConstruction)
        searchDepth = graph.efSearch
        levelProbabilities = graph.levelProbabilities
        levelStarts = starts
        levels = graph.levels
        offsets = graph.offsets.map { Int($0) }
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

    /// Adds the vectors from the first that the graph does not have yet.
    ///
    /// - Parameters:
    ///   - vectors: every vector, old and new, as distances are to be taken to it.
    ///   - queries: the new ones as they were given.
    mutating func add(
        _ vectors: VectorRows, queries: VectorRows, metric: Metric,
        _ work: BuildWork
    ) {
        let first = levels.count
        precondition(vectors.count == first + queries.count, "a vector for each query")
        guard queries.count > 0 else { return }
        var byLevel: [[Int32]] = []
        for node in first..<vectors.count {
            let level = randomLevel()
            levels.append(Int32(level + 1))
            offsets.append((offsets.last ?? 0) + levelStarts[level + 1])
            while byLevel.count <= level { byLevel.append([]) }
            byLevel[level].append(Int32(node))
        }
        neighbors += repeatElement(-1, count: (offsets.last ?? 0) - neighbors.count)
        var shuffle = MersenneTwister(seed: 789)
        var visited = VisitedSet(count: vectors.count)
        var done = 0
        let report = max(1, queries.count / 200)
        GraphDistances.withDistances(vectors, queries, metric) { distances in
            for level in byLevel.indices.reversed() {
                var order = byLevel[level]
                for i in order.indices {
                    order.swapAt(i, i + shuffle.next(below: order.count - i))
                }
                for node in order {
                    distances.setQuery(Int(node) - first)
                    insert(node, level: level, distances, &visited)
                    done += 1
                    if done.isMultiple(of: report) || done == queries.count {
                        work.report(
                            TrainingProgress(
                                stage: "graph", completed: done, total: queries.count))
                    }
                }
            }
        }
    }

    private mutating func insert(
        _ node: Int32, level nodeLevel: Int, _ distances: GraphDistances,
        _ visited: inout VisitedSet
    ) {
        guard entryPoint >= 0 else {
            entryPoint = node
            maximumLevel = Int32(nodeLevel)
            return
        }
        var nearest = entryPoint
        var key = distances.fromQuery(nearest)
        var level = Int(maximumLevel)
        while level > nodeLevel {
            approach(&nearest, &key, level: level, distances)
            level -= 1
        }
        while level >= 0 {
            link(node, from: nearest, key, level: level, distances, &visited)
            level -= 1
        }
        if nodeLevel > maximumLevel {
            maximumLevel = Int32(nodeLevel)
            entryPoint = node
        }
    }

    private func places(_ node: Int32, level: Int) -> Range<Int> {
        let start = offsets[Int(node)]
        return start + levelStarts[level]..<start + levelStarts[level + 1]
    }

    /// Goes to a nearer neighbour for as long as there is one.
    private func approach(
        _ nearest: inout Int32, _ key: inout Float, level: Int, _ distances: GraphDistances
    ) {
        while true {
            let last = nearest
            for place in places(last, level: level) {
                let neighbor = neighbors[place]
                guard neighbor >= 0 else { break }
                let distance = distances.fromQuery(neighbor)
                if distance < key { (nearest, key) = (neighbor, distance) }
            }
            guard nearest != last else { return }
        }
    }

    /// Links a node with the best of what a search of a level finds, both ways.
    private mutating func link(
        _ node: Int32, from nearest: Int32, _ key: Float, level: Int,
        _ distances: GraphDistances, _ visited: inout VisitedSet
    ) {
        var found = candidates(nearest, key, level: level, distances, &visited)
        let limit = levelStarts[level + 1] - levelStarts[level]
        found = pruned(found, to: limit, distances)
        // Farthest first, as a heap that is emptied gives them.
        for neighbor in found.reversed() {
            addLink(from: node, to: neighbor.node, level: level, distances)
        }
        for neighbor in found.reversed() {
            addLink(from: neighbor.node, to: node, level: level, distances)
        }
    }

    /// The nearest nodes of a level that a best-first search reaches, nearest first.
    private func candidates(
        _ start: Int32, _ key: Float, level: Int, _ distances: GraphDistances,
        _ visited: inout VisitedSet
    ) -> [NodeHeap.Entry] {
        var waiting = NodeHeap()
        // Keys are negated: the farthest is on top.
        var found = NodeHeap()
        waiting.push(key: key, node: start)
        found.push(key: -key, node: start)
        visited.clear()
        visited.insert(start)
        while let next = waiting.pop() {
            if let farthest = found.top, next.key > -farthest.key { break }
            for place in places(next.node, level: level) {
                let neighbor = neighbors[place]
                guard neighbor >= 0 else { break }
                guard visited.insert(neighbor) else { continue }
                let distance = distances.fromQuery(neighbor)
                guard found.count < constructionDepth || distance < -(found.top?.key ?? 0) else {
                    continue
                }
                found.push(key: -distance, node: neighbor)
                waiting.push(key: distance, node: neighbor)
                if found.count > constructionDepth { _ = found.pop() }
            }
        }
        var result: [NodeHeap.Entry] = []
        while let entry = found.pop() {
            result.append(NodeHeap.Entry(key: -entry.key, node: entry.node))
        }
        return result.reversed()
    }

    /// Keeps a node unless one that was kept is nearer to it than it is to the query.
    private func pruned(
        _ entries: [NodeHeap.Entry], to limit: Int, _ distances: GraphDistances
    ) -> [NodeHeap.Entry] {
        guard entries.count >= limit else { return entries }
        var kept: [NodeHeap.Entry] = []
        for entry in entries {
            let isHidden = kept.contains { distances.between($0.node, entry.node) < entry.key }
            guard !isHidden else { continue }
            kept.append(entry)
            if kept.count >= limit { break }
        }
        return kept
    }

    /// Puts a link into a list, or prunes the list if it is full.
    private mutating func addLink(
        from source: Int32, to target: Int32, level: Int, _ distances: GraphDistances
    ) {
        let places = places(source, level: level)
        if let free = places.first(where: { neighbors[$0] < 0 }) {
            neighbors[free] = target
            return
        }
        var entries = ([target] + neighbors[places]).map {
            NodeHeap.Entry(key: distances.between(source, $0), node: $0)
        }
        entries.sort { $0.comesBefore($1) }
        let size = places.count
        let limit = Int(Float(size) - Float(size) * Self.headroom)
        let kept = pruned(entries, to: limit, distances)
        for (place, entry) in zip(places, kept.reversed()) { neighbors[place] = entry.node }
        for place in places.dropFirst(kept.count) { neighbors[place] = -1 }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.vector(levelProbabilities)
        try writer.vector(levelStarts.map { Int32($0) })
        try writer.vector(levels)
        try writer.vector(offsets.map { UInt64($0) })
        try writer.vector(neighbors)
        try writer.value(entryPoint)
        try writer.value(maximumLevel)
        try writer.i32(constructionDepth)
        try writer.i32(searchDepth)
        try writer.i32(1)
    }
}

/// Distances to and between vectors of a graph, smaller for nearer whatever the metric.
final class GraphDistances {
    private let vectors: UnsafePointer<Float>
    private let queries: UnsafePointer<Float>
    private var query: UnsafePointer<Float>
    private let dimension: Int
    private let distance: RowDistances.Function
    private let sign: Float

    private init(
        _ vectors: UnsafePointer<Float>, _ queries: UnsafePointer<Float>, _ dimension: Int,
        _ metric: Metric
    ) {
        self.vectors = vectors
        self.queries = queries
        query = queries
        self.dimension = dimension
        distance = RowDistances.distance(metric, 0)
        sign = metric.isSimilarity ? -1 : 1
    }

    static func withDistances(
        _ vectors: VectorRows, _ queries: VectorRows, _ metric: Metric,
        _ body: (GraphDistances) -> Void
    ) {
        vectors.values.withUnsafeBufferPointer { values in
            queries.values.withUnsafeBufferPointer { queryValues in
                guard let values = values.baseAddress, let queryValues = queryValues.baseAddress
                else { return }
                body(GraphDistances(values, queryValues, vectors.dimension, metric))
            }
        }
    }

    func setQuery(_ number: Int) { query = queries + number * dimension }

    func fromQuery(_ node: Int32) -> Float {
        sign * distance(query, vectors + Int(node) * dimension, dimension)
    }

    func between(_ first: Int32, _ second: Int32) -> Float {
        sign
            * distance(
                vectors + Int(first) * dimension, vectors + Int(second) * dimension, dimension)
    }
}

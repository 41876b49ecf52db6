/// A graph of several layers over vectors or codes.
public struct HNSWIndex: HeaderedIndex, ReadableIndex {
    private(set) var header: IndexHeader
    private let type: FourCC
    private var graph: HNSWGraph
    private var storage: any VectorIndex
    private let scratches = WalkScratches()

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        let header = try reader.header()
        self.header = header
        graph = try reader.nested("hnsw") { try HNSWGraph(reading: &$0, count: header.count) }
        storage = try IndexTypes.read("storage", &reader)
        try reader.checkStorage(storage, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { HNSWGraph.parameters }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let settings = HNSWGraph.Settings(graph, parameters, isSimilarity: metric.isSimilarity)
        if let flat = storage as? FlatIndex, settings.isPlain,
            let found = try graph.nearest(
                queries, k: k, settings, of: flat, scratches)
        {
            return found
        }
        var visited = VisitedSet(count: count)
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            let distances = try storage.distances(from: queries.row(query))
            var top = TopK(min(k, count), metric)
            graph.search(distances, k: k, settings, &visited, into: &top)
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        let settings = HNSWGraph.Settings(graph, parameters, isSimilarity: metric.isSimilarity)
        var visited = VisitedSet(count: count)
        var hits = RangeHits()
        for query in 0..<queries.count {
            let distances = try storage.distances(from: queries.row(query))
            var collector = RangeCollector(radius: radius, metric)
            graph.search(distances, k: 1, settings, &visited, into: &collector)
            hits.append(collector.hits)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try storage.reconstruct(id) }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        try storage.distances(from: query)
    }

    // MARK: Changes

    /// Links the vectors into the graph, one after the other, as Faiss does after reading a file.
    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported("a graph") }
        guard vectors.count <= Int(Int32.max) - count else {
            throw TrainingError.tooManyVectors(limit: Int(Int32.max), index: "a graph")
        }
        guard PanelSearch.serves(metric) else {
            throw IndexChangeError.refused(
                "take more vectors", by: "a graph of this metric",
                remedy: "build a new graph for l2 or ip")
        }
        var builder = try GraphBuilder(graph)
        try storage.append(vectors, ids: nil, progress: nil)
        try storage.reconstructAll().values.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return }
            builder.add(
                base, queries: vectors, metric: metric, BuildWork(progress: progress))
        }
        graph = HNSWGraph(builder)
        header.count += vectors.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        throw IndexChangeError.refused(
            "lose vectors", by: "a graph",
            remedy: "search with a selector that leaves them out, or build a new graph of the rest")
    }

    public mutating func clear() throws {
        try storage.clear()
        graph = HNSWGraph(try GraphBuilder(graph).emptied())
        header.count = 0
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows { try storage.reconstruct(ids) }

    public var codeByteCount: Int? { storage.codeByteCount }

    public func codes(of vectors: VectorRows) throws -> [UInt8] {
        try storage.codes(of: vectors)
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        try storage.vectors(of: codes)
    }

    public var parameterRanges: [ParameterRange] {
        [ParameterRange(.efSearch, ParameterRange.powersOfTwo(2...9))]
    }

    public var facts: [(String, String)] {
        [
            ("efSearch", "\(graph.efSearch)"), ("efConstruction", "\(graph.efConstruction)"),
            ("highest level", "\(graph.maximumLevel)"),
            ("bytes of links", "\(graph.neighbors.count * 4)"),
        ]
    }

    public var innerIndexes: [(role: String, index: any VectorIndex)] { [("storage", storage)] }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try graph.write(to: &writer)
        try storage.write(to: &writer)
    }
}

extension IndexReader {
    /// Throws unless the vectors under a graph are those of its header.
    func checkStorage(
        _ storage: any VectorIndex, of header: IndexHeader
    ) throws(IndexFileError) {
        try require(
            storage.dimension == header.dimension, "storage/d", found: storage.dimension,
            expected: "\(header.dimension)")
        try require(
            storage.count == header.count, "storage/ntotal", found: storage.count,
            expected: "\(header.count)")
        try require(
            storage.metric == header.metric, "storage/metric_type", found: storage.metric,
            expected: "\(header.metric)")
        try require(
            storage.isTrained || !header.isTrained, "storage/is_trained", found: false,
            expected: "true under a trained index")
    }
}

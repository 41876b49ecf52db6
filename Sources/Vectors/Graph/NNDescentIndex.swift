/// A graph of nearest neighbours of a fixed number, searched from drawn beginnings.
///
/// Source: Dong, Moses, Li, "Efficient k-nearest neighbor graph construction for generic
/// similarity measures", 2011.
public struct NNDescentIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    /// K, S, R, L, rounds.
    private let shape: [Int32]
    private let searchL: Int32
    private let seed: Int32
    private let isBuilt: Bool
    /// `[count, K]`.
    private let graph: [Int32]
    private let storage: any VectorIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        let header = try reader.header()
        self.header = header
        _ = try reader.int32("nndescent.ntotal", in: header.count...max(header.count, 0))
        _ = try reader.int32("nndescent.d", in: header.dimension...header.dimension)
        shape = try reader.elements("nndescent.shape", count: 5, of: Int32.self)
        searchL = try reader.i32("nndescent.search_L")
        seed = try reader.i32("nndescent.random_seed")
        isBuilt = try reader.bool("nndescent.has_built")
        try reader.require(
            shape[0] > 0, "nndescent.K", found: shape[0], expected: "at least 1")
        graph = try reader.vector(
            "nndescent.final_graph", of: Int32.self,
            count: isBuilt
                ? try reader.product("nndescent.final_graph", header.count, Int(shape[0])) : 0)
        for neighbor in graph where neighbor < 0 || Int(neighbor) >= header.count {
            throw reader.failure(
                "nndescent.final_graph", found: neighbor, expected: "below \(header.count)")
        }
        try reader.require(
            isBuilt || header.count == 0, "nndescent.has_built", found: false,
            expected: "true where there are vectors")
        storage = try IndexTypes.read("storage", &reader)
        try reader.checkStorage(storage, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.searchL, .selector] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let degree = Int(shape[0])
        return try PoolSearch.nearest(
            queries, k: k, in: storage, poolSize: parameters.searchL ?? Int(searchL),
            selector: parameters.selector,
            seed: UInt32(bitPattern: seed)
        ) { graph[Int($0) * degree..<(Int($0) + 1) * degree] }
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try storage.reconstruct(id) }

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        throw IndexChangeError.refused(
            "take more vectors once it is built", by: "\(Self.self)",
            remedy: "build a new graph of all of them, or use HNSW, which grows")
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows { try storage.reconstruct(ids) }

    public var parameterRanges: [ParameterRange] {
        [ParameterRange(.searchL, ParameterRange.powersOfTwo(2...9))]
    }

    public var facts: [(String, String)] {
        [("search_L", "\(searchL)"), ("neighbours", "\(shape[0])")]
    }

    public var innerIndexes: [(role: String, index: any VectorIndex)] { [("storage", storage)] }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try writer.i32(count)
        try writer.i32(dimension)
        try writer.elements(shape)
        try writer.value(searchL)
        try writer.value(seed)
        try writer.bool(isBuilt)
        try writer.vector(graph)
        try storage.write(to: &writer)
    }
}

/// A graph of one layer, entered at the middle of the vectors.
public struct NSGIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    /// How the graph was built: GK, then after the build type S, R, L and rounds of NN-descent.
    private let building: [Int32]
    private let buildType: UInt8
    /// R, L, C of the graph.
    private let shape: [Int32]
    private let searchL: Int32
    private let entryPoint: Int32
    private let isBuilt: Bool
    /// Where each vector's neighbours begin; one more at the end.
    private let starts: [Int]
    private let neighbors: [Int32]
    private let storage: any VectorIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        let header = try reader.header()
        self.header = header
        let degree = try reader.i32("GK")
        buildType = try reader.u8("build_type")
        building =
            [degree]
            + (try reader.elements("nndescent", count: 4, of: Int32.self))
        let count = try reader.int32("nsg.ntotal", in: 0...Int(Int32.max))
        shape = try reader.elements("nsg.shape", count: 3, of: Int32.self)
        searchL = try reader.i32("nsg.search_L")
        entryPoint = try reader.i32("nsg.enterpoint")
        isBuilt = try reader.bool("nsg.is_built")
        var starts = [0]
        var neighbors: [Int32] = []
        if isBuilt {
            try reader.require(
                count == header.count, "nsg.ntotal", found: count, expected: "\(header.count)")
            try reader.require(
                count <= reader.remaining / 4, "nsg.ntotal", found: count,
                expected: "no more than lists follow")
            try reader.require(
                shape[0] > 0, "nsg.R", found: shape[0], expected: "at least 1")
            try reader.require(
                count == 0 || entryPoint >= 0 && entryPoint < count, "nsg.enterpoint",
                found: entryPoint, expected: "from 0 to \(count - 1)")
            for node in 0..<count {
                while true {
                    let neighbor = try reader.i32("nsg.node\(node)")
                    if neighbor == -1 { break }
                    try reader.require(
                        neighbor >= 0 && neighbor < count, "nsg.node\(node)", found: neighbor,
                        expected: "from 0 to \(count - 1)")
                    try reader.require(
                        neighbors.count - starts[node] < shape[0], "nsg.node\(node)",
                        found: "more neighbours", expected: "at most \(shape[0])")
                    neighbors.append(neighbor)
                }
                starts.append(neighbors.count)
            }
        } else {
            try reader.require(
                count == 0 && header.count == 0, "nsg.is_built", found: false,
                expected: "true where there are vectors")
        }
        self.starts = starts
        self.neighbors = neighbors
        storage = try IndexTypes.read("storage", &reader)
        try reader.checkStorage(storage, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.searchL, .selector] }

    private func list(_ node: Int32) -> ArraySlice<Int32> {
        neighbors[starts[Int(node)]..<starts[Int(node) + 1]]
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        guard count > 0 else {
            return Neighbors(queryCount: queries.count, k: k, metric: metric)
        }
        return try PoolSearch.nearest(
            queries, k: k, in: storage, poolSize: parameters.searchL ?? Int(searchL),
            selector: parameters.selector,
            start: Array(list(entryPoint)), seed: 0x1234, neighbors: list)
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
        [
            ("search_L", "\(searchL)"), ("most neighbours", "\(shape[0])"),
            ("bytes of links", "\(neighbors.count * 4)"),
        ]
    }

    public var innerIndexes: [(role: String, index: any VectorIndex)] { [("storage", storage)] }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try writer.value(building[0])
        try writer.u8(buildType)
        try writer.elements(Array(building[1...]))
        try writer.i32(isBuilt ? count : 0)
        try writer.elements(shape)
        try writer.value(searchL)
        try writer.value(entryPoint)
        try writer.bool(isBuilt)
        if isBuilt {
            for node in 0..<count {
                try writer.elements(Array(list(Int32(node))))
                try writer.value(Int32(-1))
            }
        }
        try storage.write(to: &writer)
    }
}

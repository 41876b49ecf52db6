/// A navigating spreading-out graph over codes.
///
/// Such a graph does not grow: each addition builds it anew from all vectors, so that parts that
/// are added one after the other give what all of them at once give.
struct BuildableSpreadingGraph: BuildableIndex {
    private var codec: any DecodableCodec
    private var graph: SpreadingGraphBuilder
    let metric: Metric
    private var codes: [UInt8] = []
    private(set) var count = 0
    var dimension: Int { codec.dimension }
    var isTrained: Bool { codec.isTrained }

    init(_ codec: any DecodableCodec, _ metric: Metric, degree: Int) {
        self.codec = codec
        self.metric = metric
        graph = SpreadingGraphBuilder(degree: degree)
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        try codec.train(rows, work)
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported("a graph") }
        guard count + rows.count <= Int(Int32.max) else {
            throw TrainingError.tooManyVectors(limit: Int(Int32.max), index: "a graph")
        }
        guard rows.count > 0 else { return }
        codes += codec.encode(rows, around: nil, threads: work.threads)
        count += rows.count
        try graph.build(codec.decode(codes), metric: metric, work)
    }

    func write(to writer: inout IndexWriter) throws {
        let descent = NeighborDescent(degree: SpreadingGraphBuilder.neighborCount)
        try writer.fourCC(codec.spreadingGraphType)
        try writer.header(header)
        try writer.i32(SpreadingGraphBuilder.neighborCount)
        try writer.u8(graph.isExact ? 0 : 1)
        try writer.i32(descent.sampleSize)
        try writer.i32(descent.reverseLimit)
        try writer.i32(descent.poolSize)
        try writer.i32(descent.roundCount)
        try writer.i32(count)
        try writer.i32(graph.degree)
        try writer.i32(graph.poolSize)
        try writer.i32(graph.candidateLimit)
        // Faiss fills a pool of this size with different vectors.
        try writer.i32(min(SpreadingGraphBuilder.searchSize, max(1, count)))
        try writer.value(count > 0 ? graph.entryPoint : 0)
        try writer.bool(count > 0)
        for list in graph.lists {
            try writer.elements(list)
            try writer.value(Int32(-1))
        }
        try codec.writeFlat(header, codes, to: &writer)
    }
}

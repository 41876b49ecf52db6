/// An index that is being trained and filled.
protocol BuildableIndex: Sendable {
    var dimension: Int { get }
    var metric: Metric { get }
    var count: Int { get }
    var isTrained: Bool { get }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws
    /// - Parameter ids: labels of the rows; nil to number them.
    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork) throws
    func write(to writer: inout IndexWriter) throws
}

extension BuildableIndex {
    var header: IndexHeader {
        IndexHeader(dimension: dimension, count: count, isTrained: isTrained, metric: metric)
    }

    /// The index as one that can be searched: what reading its file gives.
    func finished() throws -> any VectorIndex {
        var writer = IndexWriter()
        try write(to: &writer)
        return try writer.bytes.withUnsafeBytes { bytes in
            var reader = IndexReader(bytes, folder: nil)
            return try IndexTypes.read(&reader)
        }
    }
}

/// Codes one after the other.
struct BuildableCodes: BuildableIndex {
    private(set) var codec: any RowCodec
    let metric: Metric
    private(set) var codes: [UInt8] = []
    private(set) var count = 0
    var dimension: Int { codec.dimension }
    var isTrained: Bool { codec.isTrained }

    init(_ codec: any RowCodec, _ metric: Metric) {
        self.codec = codec
        self.metric = metric
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        try codec.train(rows, work)
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported("an index without lists") }
        codes += codec.encode(rows, around: nil, threads: work.threads)
        count += rows.count
    }

    func write(to writer: inout IndexWriter) throws {
        try codec.writeFlat(header, codes, to: &writer)
    }
}

/// A graph over codes.
struct BuildableGraph: BuildableIndex {
    private var codec: any DecodableCodec
    private var graph: GraphBuilder
    let metric: Metric
    private var codes: [UInt8] = []
    private(set) var count = 0
    /// The vectors that the codes stand for, where they are not the codes.
    private var vectors: [Float] = []
    var dimension: Int { codec.dimension }
    var isTrained: Bool { codec.isTrained }

    init(_ codec: any DecodableCodec, _ metric: Metric, linkCount: Int) {
        self.codec = codec
        self.metric = metric
        graph = GraphBuilder(linkCount: linkCount)
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
        let added = codec.encode(rows, around: nil, threads: work.threads)
        codes.reserveLarge(codes.count + added.count)
        codes += added
        count += rows.count
        if codec is FloatCodec {
            let codes = codes
            codes.withUnsafeBytes { bytes in
                let floats = bytes.assumingMemoryBound(to: Float.self)
                guard let base = floats.baseAddress else { return }
                graph.add(base, queries: rows, metric: metric, work)
            }
        } else {
            vectors += codec.decode(added).values
            let vectors = vectors
            vectors.withUnsafeBufferPointer { vectors in
                guard let base = vectors.baseAddress else { return }
                graph.add(base, queries: rows, metric: metric, work)
            }
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(codec.graphType)
        try writer.header(header)
        try graph.write(to: &writer)
        try codec.writeFlat(header, codes, to: &writer)
    }
}

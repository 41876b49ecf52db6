/// How vectors become codes of equal size, and the index that looks at all of them.
protocol RowCodec: Sendable {
    var dimension: Int { get }
    /// Bytes of a code.
    var codeSize: Int { get }
    var isTrained: Bool { get }

    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError)

    /// The codes of some rows, one after the other.
    ///
    /// - Parameter centers: for each row the vector its code is relative to; nil for none.
    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8]

    /// Writes an index that looks at all codes.
    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws
}

extension RowCodec {
    /// The codes of some rows, which threads share out.
    func encode(_ rows: VectorRows, around centers: VectorRows?, threads: Int) -> [UInt8] {
        guard threads > 1 else { return encode(rows, around: centers) }
        return QueryThreads.map(rows.count, threads: threads) { part in
            encode(rows.rows(part), around: centers?.rows(part))
        }.flatMap { $0 }
    }
}

/// A codec whose codes can stand under a graph.
protocol DecodableCodec: RowCodec {
    /// The vectors that codes stand for.
    func decode(_ codes: [UInt8]) -> VectorRows
    /// The type of a graph of layers over such codes.
    var graphType: FourCC { get }
    /// The type of a graph of one layer over such codes.
    var spreadingGraphType: FourCC { get }
}

/// A codec whose codes can stand in inverted lists.
protocol ListCodec: RowCodec {
    /// Of more vectors than this a random sample is trained on; 0 where nothing is trained.
    var trainingLimit: Int { get }
    /// Learns from vectors of inverted lists.
    ///
    /// - Parameter centers: the centroid of each, to which its code is relative; nil for none.
    mutating func train(
        _ rows: VectorRows, around centers: VectorRows?, _ work: BuildWork
    ) throws(TrainingError)
    /// The type of an index with inverted lists of such codes.
    var listType: FourCC { get }
    /// Writes what such an index has between its common fields and its lists.
    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter) throws
    func writeLists(_ lists: ArrayLists, to writer: inout IndexWriter) throws
}

extension ListCodec {
    mutating func train(
        _ rows: VectorRows, around centers: VectorRows?, _ work: BuildWork
    ) throws(TrainingError) {
        try train(rows.subtracting(centers), work)
    }

    func writeLists(_ lists: ArrayLists, to writer: inout IndexWriter) throws {
        try lists.write(to: &writer)
    }
}

extension VectorRows {
    /// Each row less the row of the same number.
    func subtracting(_ centers: VectorRows?) -> VectorRows {
        guard let centers else { return self }
        precondition(centers.values.count == values.count, "a centre a row")
        var values = values
        centers.values.withUnsafeBufferPointer { centers in
            values.withUnsafeMutableBufferPointer { values in
                for i in values.indices { values[i] -= centers[i] }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }
}

extension VectorRows {
    /// Each row and the row of the same number together.
    func adding(_ centers: VectorRows?) -> VectorRows {
        guard let centers else { return self }
        return VectorRows(
            checked: zip(values, centers.values).map { $0 + $1 }, dimension: dimension)
    }
}

/// Codes that are the vectors themselves.
struct FloatCodec: DecodableCodec, ListCodec {
    let dimension: Int
    var codeSize: Int { dimension * 4 }
    var isTrained: Bool { true }
    /// Nothing is trained.
    var trainingLimit: Int { 0 }

    func train(_ rows: VectorRows, _ work: BuildWork) {}

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        rows.values.withUnsafeBytes { Array($0) }
    }

    func decode(_ codes: [UInt8]) -> VectorRows {
        let values = [Float](unsafeUninitializedCapacity: codes.count / 4) { buffer, count in
            codes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            count = codes.count / 4
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        let type: FourCC =
            switch header.metric {
            case .l2: "IxF2"
            case .innerProduct: "IxFI"
            default: "IxFl"
            }
        try writer.fourCC(type)
        try writer.header(header)
        try writer.units(codes)
    }

    var graphType: FourCC { "IHNf" }
    var spreadingGraphType: FourCC { "INSf" }
    var listType: FourCC { "IwFl" }

    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter
    ) {}
}

/// The fields that every index of bit vectors begins with.
struct BinaryHeader: Sendable, Hashable {
    /// Bits.
    let dimension: Int
    let codeSize: Int
    var count: Int
    let isTrained: Bool
    private let metric: Metric

    init(reading reader: inout IndexReader) throws(IndexFileError) {
        dimension = try reader.int32("d", in: 1...IndexHeader.dimensionLimit)
        try reader.require(
            dimension.isMultiple(of: 8), "d", found: dimension, expected: "a multiple of 8")
        codeSize = try reader.int32("code_size", in: dimension / 8...dimension / 8)
        let count = try reader.i64("ntotal")
        try reader.require(count >= 0, "ntotal", found: count, expected: "not negative")
        self.count = Int(count)
        isTrained = try reader.bool("is_trained")
        try reader.require(
            isTrained || count == 0, "is_trained", found: false,
            expected: "true in an index that holds vectors")
        metric = try reader.enumeration("metric_type", as: Metric.self)
    }

    func write(to writer: inout IndexWriter) throws(IndexFileError) {
        try writer.i32(dimension)
        try writer.i32(codeSize)
        try writer.i64(Int64(count))
        try writer.bool(isTrained)
        try writer.value(metric.rawValue)
    }
}

/// An index that begins with the common header.
protocol HeaderedBinaryIndex: BinaryIndex {
    var header: BinaryHeader { get }
}

extension HeaderedBinaryIndex {
    public var dimension: Int { header.dimension }
    public var count: Int { header.count }
    public var isTrained: Bool { header.isTrained }
}

extension IndexReader {
    /// Throws unless an inner index has the vectors of the header.
    func check(
        _ name: String, _ index: any BinaryIndex, of header: BinaryHeader
    ) throws(IndexFileError) {
        try require(
            index.dimension == header.dimension, name + "/d", found: index.dimension,
            expected: "\(header.dimension)")
        try require(
            index.count == header.count, name + "/ntotal", found: index.count,
            expected: "\(header.count)")
    }
}

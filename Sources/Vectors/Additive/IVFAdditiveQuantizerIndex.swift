/// Inverted lists of codes of an additive quantizer.
public struct IVFAdditiveQuantizerIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    private let type: FourCC
    private let quantizer: AdditiveQuantizer
    let codeSize: Int
    let isResidual: Bool
    private let usesPrecomputedTable: Int32

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        var file = try InvertedFile(reading: &reader)
        try reader.requirePlainMetric(file.header.metric)
        codeSize = try reader.size("code_size", in: 1...IndexHeader.dimensionLimit)
        quantizer = try AdditiveQuantizer(
            reading: &reader, dimension: file.header.dimension,
            form: AdditiveQuantizer.form(type), isTrained: file.header.isTrained)
        try reader.require(
            codeSize == quantizer.codeSize, "code_size", found: codeSize,
            expected: "\(quantizer.codeSize)")
        isResidual = try reader.bool("by_residual")
        usesPrecomputedTable = try reader.i32("use_precomputed_table")
        try file.readLists(&reader, codeSize: codeSize)
        self.file = file
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        guard isResidual else { return quantizer.scanner(query, metric) }
        return ResidualScanner(query, file: file) { quantizer.scanner($0, metric) }
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, into: vector)
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        try quantizer.encode(
            vectors.subtracting(isResidual ? try file.centers(of: lists) : nil))
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try file.writeHeader(to: &writer)
        try writer.size(codeSize)
        try quantizer.write(to: &writer)
        try writer.bool(isResidual)
        try writer.value(usesPrecomputedTable)
        try file.lists.write(to: &writer)
    }
}

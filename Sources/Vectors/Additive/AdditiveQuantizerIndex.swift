/// Vectors as codes of an additive quantizer, all of them looked at.
public struct AdditiveQuantizerIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    private let type: FourCC
    private let quantizer: AdditiveQuantizer
    let codeSize: Int
    var codes: Storage<UInt8>

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        quantizer = try AdditiveQuantizer(
            reading: &reader, dimension: header.dimension, form: AdditiveQuantizer.form(type),
            isTrained: header.isTrained)
        codeSize = try reader.size("code_size", in: quantizer.codeSize...quantizer.codeSize)
        codes = try reader.vectorStorage(
            "codes", of: UInt8.self, count: try reader.product("codes", header.count, codeSize))
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        quantizer.scanner(query, metric)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, into: vector)
    }

    func rows(encoding vectors: VectorRows) throws -> [UInt8] { try quantizer.encode(vectors) }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.size(codeSize)
        try writer.vector(codes)
    }
}

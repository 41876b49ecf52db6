/// Vectors whose components are rounded to a few bits, all of them looked at.
public struct ScalarQuantizerIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    private let quantizer: ScalarQuantizer
    var codes: Storage<UInt8>
    var codeSize: Int { quantizer.codeSize }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        quantizer = try ScalarQuantizer(reading: &reader, header: header)
        codes = try reader.vectorStorage(
            "codes", of: UInt8.self,
            count: try reader.product("codes", header.count, quantizer.codeSize))
        try reader.require(
            header.isTrained || header.count == 0, "is_trained", found: false,
            expected: "true where there are codes")
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        quantizer.scanner(query, metric)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, into: vector)
    }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        ScalarCodec(quantizer).encode(vectors, around: nil)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxSQ")
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.vector(codes)
    }
}

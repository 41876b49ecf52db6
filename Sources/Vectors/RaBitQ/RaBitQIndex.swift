/// Vectors as RaBitQ codes around one centre, all of them looked at.
public struct RaBitQIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    private let type: FourCC
    private let quantizer: RaBitQuantizer
    var codes: Storage<UInt8>
    /// Mean of the training vectors; empty before.
    private let center: [Float]
    /// Bits of a query's components.
    private let queryBits: UInt8
    var codeSize: Int { quantizer.codeSize }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        quantizer = try RaBitQuantizer(
            reading: &reader, dimension: header.dimension, metric: header.metric,
            hasBits: type == "Ixrr")
        codes = try reader.vectorStorage(
            "codes", of: UInt8.self,
            count: try reader.product("codes", header.count, quantizer.codeSize))
        center = try reader.center(header)
        queryBits = try reader.queryBits(0...8)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector, .qb, .centered] }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        RaBitQScanner(
            RaBitQQuery(
                query, centroid: center, quantizer, bits: parameters.qb ?? Int(queryBits),
                isCentered: parameters.centered ?? false))
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, centroid: center, into: vector)
    }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        RaBitQCodec(quantizer, center: center).encode(vectors, around: nil)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try quantizer.write(to: &writer, withBits: type == "Ixrr")
        try writer.vector(codes)
        try writer.vector(center)
        try writer.u8(queryBits)
    }
}

extension IndexReader {
    mutating func center(_ header: IndexHeader) throws(IndexFileError) -> [Float] {
        let center = try vector("center", of: Float.self)
        try require(
            center.count == header.dimension || center.isEmpty && !header.isTrained, "center",
            found: "\(center.count) elements", expected: "\(header.dimension)")
        return center
    }

    mutating func queryBits(_ range: ClosedRange<UInt8>) throws(IndexFileError) -> UInt8 {
        let bits = try u8("qb")
        try require(
            range.contains(bits), "qb", found: bits,
            expected: "from \(range.lowerBound) to \(range.upperBound)")
        return bits
    }
}

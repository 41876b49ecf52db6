/// Inverted lists of RaBitQ codes around the centroids of their lists.
public struct IVFRaBitQIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    private let type: FourCC
    private let quantizer: RaBitQuantizer
    private let storesResiduals: Bool
    private let queryBits: UInt8
    var codeSize: Int { quantizer.codeSize }
    var isResidual: Bool { true }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        var file = try InvertedFile(reading: &reader)
        quantizer = try RaBitQuantizer(
            reading: &reader, dimension: file.header.dimension, metric: file.header.metric,
            hasBits: type == "Iwrr")
        _ = try reader.size("code_size", in: quantizer.codeSize...quantizer.codeSize)
        storesResiduals = try reader.bool("by_residual")
        queryBits = try reader.queryBits(0...8)
        try file.readLists(&reader, codeSize: quantizer.codeSize)
        self.file = file
    }

    public var acceptedParameters: Set<SearchParameters.Name> {
        InvertedFile.parameters.union([.qb, .centered])
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        func prepare(_ centroid: [Float]) -> RaBitQQuery {
            RaBitQQuery(
                query, centroid: centroid, quantizer, bits: parameters.qb ?? Int(queryBits),
                isCentered: parameters.centered ?? false)
        }
        return RaBitQScanner(prepare([])) { list in
            prepare(try file.quantizer.reconstruct(Int64(list)))
        }
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, centroid: [], into: vector)
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        RaBitQCodec(quantizer, center: []).encode(vectors, around: try file.centers(of: lists))
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try file.writeHeader(to: &writer)
        try quantizer.write(to: &writer, withBits: type == "Iwrr")
        try writer.size(quantizer.codeSize)
        try writer.bool(storesResiduals)
        try writer.u8(queryBits)
        try file.lists.write(to: &writer)
    }
}

/// Inverted lists of vectors, or of their differences to the centroid, rounded to a few bits.
public struct IVFScalarQuantizerIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    private let quantizer: ScalarQuantizer
    let codeSize: Int
    let isResidual: Bool

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader, isOld: type == "IvSQ")
        try reader.requirePlainMetric(file.header.metric)
        quantizer = try ScalarQuantizer(reading: &reader, header: file.header)
        codeSize = try reader.size("code_size", in: quantizer.codeSize...quantizer.codeSize)
        isResidual = type == "IwSq" ? try reader.bool("by_residual") : true
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
        ScalarCodec(quantizer).encode(
            vectors, around: isResidual ? try file.centers(of: lists) : nil)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwSq")
        try file.writeHeader(to: &writer)
        try quantizer.write(to: &writer)
        try writer.size(codeSize)
        try writer.bool(isResidual)
        try file.lists.write(to: &writer)
    }
}

/// A query against codes of differences to centroids.
///
/// L2: ‖q − (c + r)‖² = ‖(q − c) − r‖², so the query meets codes less the centroid. Inner product:
/// ⟨q, c + r⟩ = ⟨q, c⟩ + ⟨q, r⟩, so the distance of the centroid is added.
final class ResidualScanner: CodeScanner {
    private let query: [Float]
    private let file: InvertedFile
    private let make: ([Float]) throws -> any CodeScanner
    private var inner: (any CodeScanner)?
    private var offset: Float = 0

    init(
        _ query: [Float], file: InvertedFile, make: @escaping ([Float]) throws -> any CodeScanner
    ) {
        self.query = query
        self.file = file
        self.make = make
    }

    func enter(list: Int, coarseDistance: Float) throws {
        if file.header.metric.isSimilarity {
            offset = coarseDistance
            if inner == nil { inner = try make(query) }
        } else {
            inner = try make(try file.residual(query, list: list))
        }
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        inner?.scan(codes, count: count, distances: distances, bound: bound)
        if offset != 0 { for i in 0..<count { distances[i] += offset } }
    }
}

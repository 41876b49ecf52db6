#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Inverted lists of bits: which half of a period each component of a transform is in.
///
/// Source: Weiss, Torralba, Fergus, "Spectral hashing", 2008; thresholds by list as in Faiss.
public struct IVFSpectralHashIndex: InvertedIndex, ReadableIndex {
    /// Where periods begin.
    private enum ThresholdType: Int32, Sendable {
        case global = 0
        case centroid = 1
        case centroidHalf = 2
        case median = 3
    }

    var file: InvertedFile
    private let transform: any VectorTransform
    private let bitCount: Int
    private let period: Float
    private let thresholdType: ThresholdType
    /// `[lists, bits]` at least, unless thresholds are global.
    private let thresholds: [Float]
    var codeSize: Int { (bitCount + 7) / 8 }
    var isResidual: Bool { false }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader)
        transform = try Transforms.read("vt", &reader)
        bitCount = try reader.int32("nbit", in: 1...IndexHeader.dimensionLimit)
        period = try reader.f32("period")
        try reader.require(
            period > 0 && period.isFinite, "period", found: period, expected: "positive")
        thresholdType = try reader.enumeration("threshold_type", as: ThresholdType.self)
        thresholds = try reader.vector("trained", of: Float.self)
        let isTrained = file.header.isTrained
        try reader.require(
            !isTrained
                || transform.isTrained && transform.inputDimension == file.header.dimension
                    && transform.outputDimension == bitCount,
            "vt",
            found: "\(transform.inputDimension) to \(transform.outputDimension)",
            expected: "trained, \(file.header.dimension) to \(bitCount)")
        let needed = try reader.product("trained", file.listCount, bitCount)
        try reader.require(
            !isTrained || thresholdType == .global || thresholds.count >= needed, "trained",
            found: "\(thresholds.count) elements", expected: "at least \(needed)")
        try file.readLists(&reader, codeSize: (bitCount + 7) / 8)
        self.file = file
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        let values = transform.apply(query)
        return ListCodeScanner(codeSize: codeSize) { list in encode(values, list: list) }
    }

    private func encode(_ values: [Float], list: Int) -> [UInt8] {
        let frequency = Float(2 / Double(period))
        return [UInt8](bitCount: bitCount, byteCount: codeSize) { bit in
            let threshold = thresholdType == .global ? 0 : thresholds[list * bitCount + bit]
            let place = floorf((values[bit] - threshold) * frequency)
            return abs(place.remainder(dividingBy: 2)) == 1
        }
    }

    /// Bits of several transformed components name no vector.
    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {}

    public func reconstruct(_ id: Int64) throws -> [Float] {
        throw VectorSearchError.unsupported("reconstruction", by: "IVFSpectralHashIndex")
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) -> [UInt8] {
        lists.enumerated().flatMap { row, list in
            encode(transform.apply(vectors.row(row)), list: list)
        }
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        throw VectorSearchError.unsupported("reconstruction", by: "IVFSpectralHashIndex")
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        throw VectorSearchError.unsupported("reconstruction", by: "IVFSpectralHashIndex")
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwSh")
        try file.writeHeader(to: &writer)
        try transform.write(to: &writer)
        try writer.i32(bitCount)
        try writer.f32(period)
        try writer.value(thresholdType.rawValue)
        try writer.vector(thresholds)
        try file.lists.write(to: &writer)
    }
}

/// Numbers of differing bits, where a query has another code in each list.
final class ListCodeScanner: CodeScanner {
    private let codeSize: Int
    private let encode: (Int) -> [UInt8]
    private var inner: HammingScanner

    init(codeSize: Int, encode: @escaping (Int) -> [UInt8]) {
        self.codeSize = codeSize
        self.encode = encode
        inner = HammingScanner(nil, codeSize)
    }

    func enter(list: Int, coarseDistance: Float) { inner = HammingScanner(encode(list)) }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        inner.scan(codes, count: count, distances: distances, bound: bound)
    }
}

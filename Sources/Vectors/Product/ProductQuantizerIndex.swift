/// Vectors as product-quantizer codes, all of them looked at.
public struct ProductQuantizerIndex: CodeIndex, ReadableIndex {
    /// How codes are compared with a query.
    enum SearchType: Int32, Sendable {
        /// The query as it is against decoded vectors.
        case asymmetric = 0
        /// Bits in which codes differ.
        case hamming = 1
        /// Parts in which codes differ.
        case generalizedHamming = 2
        /// The decoded query against decoded vectors.
        case symmetric = 3
        /// `asymmetric` for codes near enough in bits.
        case polysemous = 4
        /// `asymmetric` for codes near enough in parts.
        case polysemousGeneralized = 5
    }

    var header: IndexHeader
    let quantizer: ProductQuantizer
    var codes: Storage<UInt8>
    private let searchType: SearchType
    private let encodesSigns: Bool
    private let polysemousThreshold: Int
    var codeSize: Int { quantizer.codeSize }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        // Older files say inner product where they mean L2.
        if type != "IxPq" { header.metric = .l2 }
        self.header = header
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: header.dimension,
            isTrained: header.isTrained || header.count > 0)
        codes = try reader.vectorStorage(
            "codes", of: UInt8.self,
            count: try reader.product("codes", header.count, quantizer.codeSize))
        guard type != "IxPQ" else {
            (searchType, encodesSigns, polysemousThreshold) = (.asymmetric, false, 0)
            return
        }
        searchType = try reader.enumeration("search_type", as: SearchType.self)
        encodesSigns = try reader.bool("encode_signs")
        polysemousThreshold = Int(try reader.i32("polysemous_ht"))
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector, .polysemousThreshold] }

    func scanner(_ query: [Float], _ parameters: SearchParameters) throws -> any CodeScanner {
        guard !query.contains(where: \.isNaN) else { return HammingScanner(nil, codeSize) }
        let threshold = parameters.polysemousThreshold ?? polysemousThreshold
        switch searchType {
        case .asymmetric:
            return quantizer.scanner(quantizer.table(query, metric))
        case .symmetric:
            var decoded = [Float](repeating: 0, count: dimension)
            quantizer.decode(quantizer.encode(query), into: &decoded)
            return quantizer.scanner(quantizer.table(decoded, metric))
        case .hamming:
            return HammingScanner(hammingCode(query))
        case .generalizedHamming:
            let code = quantizer.encode(query)
            return DifferingPartsScanner(code)
        case .polysemous, .polysemousGeneralized:
            return PolysemousScanner(
                quantizer.scanner(quantizer.table(query, metric)),
                code: quantizer.encode(query), threshold: threshold,
                byBytes: searchType == .polysemousGeneralized, metric)
        }
    }

    private func hammingCode(_ query: [Float]) -> [UInt8] {
        guard encodesSigns else { return quantizer.encode(query) }
        return [UInt8](bitCount: min(dimension, codeSize * 8), byteCount: codeSize) {
            query[$0] >= 0
        }
    }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        // Graphs over codes compare the query as it is, whatever the search type.
        ScannedDistances(
            quantizer.scanner(quantizer.table(query, metric)), codes: codes, codeSize: codeSize)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, into: vector)
    }

    func rows(encoding vectors: VectorRows) throws -> [UInt8] {
        guard !encodesSigns else {
            return (0..<vectors.count).flatMap { hammingCode(vectors.row($0)) }
        }
        return ProductCodec(quantizer).encode(vectors, around: nil)
    }

    public var parameterRanges: [ParameterRange] {
        guard searchType == .polysemous || searchType == .polysemousGeneralized else { return [] }
        let bits = searchType == .polysemous ? 8 * codeSize : codeSize
        // A code differs in fewer bits than one more than it has.
        let values = Array(stride(from: 2, through: bits / 2, by: 2)) + [bits + 1]
        return [ParameterRange(.polysemousThreshold, values)]
    }

    public var facts: [(String, String)] {
        [
            ("parts", "\(quantizer.partCount) of \(quantizer.bits) bits"),
            ("bytes a vector", "\(codeSize)"), ("bytes of codes", "\(codes.count)"),
        ]
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxPq")
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.vector(codes)
        try writer.value(searchType.rawValue)
        try writer.bool(encodesSigns)
        try writer.i32(polysemousThreshold)
    }
}

/// Numbers of bytes in which codes differ from a query's code.
final class DifferingPartsScanner: CodeScanner {
    private let code: [UInt8]

    init(_ code: [UInt8]) { self.code = code }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        for i in 0..<count {
            distances[i] = Float(Hamming.bytes(code, codes + i * code.count, code.count))
        }
    }
}

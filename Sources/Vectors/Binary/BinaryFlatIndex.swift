/// Bit vectors as they are, compared one by one.
public struct BinaryFlatIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    let header: BinaryHeader
    let codes: Storage<UInt8>

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        codes = try reader.vectorStorage(
            "xb", of: UInt8.self, count: try reader.product("xb", header.count, header.codeSize))
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector] }

    func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) {
        codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            CodeRun(codes: base, codeSize: codeSize, count: count).scan(
                with: HammingScanner(query), selector: parameters.selector, into: &collector)
        }
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        return codes.withUnsafeBytes { bytes in
            Array(bytes[Int(id) * codeSize..<(Int(id) + 1) * codeSize])
        }
    }

    public func distances(from query: [UInt8]) throws -> any QueryDistances {
        ScannedDistances(HammingScanner(query), codes: codes, codeSize: codeSize)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBxF")
        try header.write(to: &writer)
        try writer.vector(codes)
    }
}

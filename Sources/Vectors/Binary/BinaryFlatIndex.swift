/// Bit vectors as they are, compared one by one.
public struct BinaryFlatIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    private(set) var header: BinaryHeader
    private(set) var codes: Storage<UInt8>

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

    // MARK: Changes

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        try NumberedBinary.checkNoIDs(ids, "BinaryFlatIndex")
        codes.modify { $0 += vectors.bytes }
        header.count += vectors.count
    }

    /// Closes the gaps: later vectors get smaller numbers.
    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let (old, size) = (count, codeSize)
        guard let first = (0..<old).first(where: { selector.contains(Int64($0)) }) else { return 0 }
        let layout = CodeLayout.rows(size: size)
        let kept = codes.modify { codes in
            var next = first
            for row in first..<old where !selector.contains(Int64(row)) {
                layout.copy(row, to: next, of: &codes)
                next += 1
            }
            codes.removeLast((old - next) * size)
            return next
        }
        header.count = kept
        return old - kept
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is BinaryFlatIndex")
        }
        try NumberedBinary.checkNoShift(shift, "BinaryFlatIndex")
        codes.modify { $0 += other.codes.array }
        header.count += other.count
    }

    public mutating func clear() {
        codes = Storage()
        header.count = 0
    }

    public var renumbersOnRemoval: Bool { true }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBxF")
        try header.write(to: &writer)
        try writer.vector(codes)
    }
}

/// Buckets of bit vectors by their first bits.
public struct BinaryHashIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    private struct Bucket: Sendable {
        let hash: UInt64
        var ids: [Int64]
        var codes: [UInt8]
    }

    private(set) var header: BinaryHeader
    private let hashWidth: Int
    private let nflip: Int
    private var sizeWidth: Int
    /// In the order of the file, which is that of a hash map.
    private var buckets: [Bucket]
    private var places: [UInt64: Int]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        hashWidth = try reader.int32("b", in: 1...min(64, header.dimension))
        nflip = try reader.int32("nflip", in: 0...Int(Int32.max))
        // Two counts of 8 bytes follow for every bucket.
        let bucketCount = try reader.size("invlists.size", in: 0...reader.remaining / 16)
        sizeWidth = try reader.int32("il_nbit", in: (bucketCount > 0 ? 1 : 0)...63)
        let bits = try reader.product("bitstream", bucketCount, hashWidth + sizeWidth)
        let stream = try reader.vector(
            "bitstream", of: UInt8.self, count: bits / 8 + (bits % 8 > 0 ? 1 : 0))
        var entries: [(hash: UInt64, size: UInt64)] = []
        stream.withUnsafeBytes { [hashWidth, sizeWidth] bytes in
            guard let base = bytes.baseAddress else { return }
            var stream = BitReader(base, byteCount: bytes.count)
            for _ in 0..<bucketCount {
                entries.append((stream.read(hashWidth), stream.read(sizeWidth)))
            }
        }
        var buckets: [Bucket] = []
        var places: [UInt64: Int] = [:]
        var total = 0
        for (number, entry) in entries.enumerated() {
            let size = Int(clamping: entry.size)
            let ids = try reader.vector("bucket\(number).ids", of: Int64.self, count: size)
            let codes = try reader.vector(
                "bucket\(number).vecs", of: UInt8.self,
                count: try reader.product("bucket\(number).vecs", size, header.codeSize))
            places[entry.hash] = number
            buckets.append(Bucket(hash: entry.hash, ids: ids, codes: codes))
            total += size
        }
        let repeated = buckets.count - places.count
        try reader.require(
            repeated == 0, "bitstream", found: "\(repeated) repeated hashes",
            expected: "each once")
        self.buckets = buckets
        self.places = places
        try reader.require(
            total == header.count, "invlists", found: "\(total) vectors",
            expected: "\(header.count)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector, .nflip] }

    func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) throws {
        let hash = hash(query)
        let scanner = HammingScanner(query)
        let flips = try BitFlips(width: hashWidth, limit: parameters.nflip ?? nflip)
        flips.forEach { flipped in
            guard let place = places[hash ^ flipped] else { return }
            let bucket = buckets[place]
            bucket.ids.withUnsafeBufferPointer { ids in
                bucket.codes.withUnsafeBytes { codes in
                    guard let base = codes.baseAddress else { return }
                    CodeRun(
                        codes: base, codeSize: codeSize, count: ids.count, ids: ids.baseAddress
                    ).scan(with: scanner, selector: parameters.selector, into: &collector)
                }
            }
        }
    }

    /// The first bits of a vector.
    private func hash(_ vector: [UInt8]) -> UInt64 {
        vector.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var reader = BitReader(base, byteCount: bytes.count)
            return reader.read(hashWidth)
        }
    }

    // MARK: Changes

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        for row in 0..<vectors.count {
            let code = vectors.row(row)
            insert(hash(code), [ids?[row] ?? Int64(count)], code)
            header.count += 1
        }
        measureBuckets()
    }

    private mutating func insert(_ hash: UInt64, _ ids: [Int64], _ codes: [UInt8]) {
        if let place = places[hash] {
            buckets[place].ids += ids
            buckets[place].codes += codes
        } else {
            places[hash] = buckets.count
            buckets.append(Bucket(hash: hash, ids: ids, codes: codes))
        }
    }

    /// The bits that a file needs for the size of a bucket.
    private mutating func measureBuckets() {
        let largest = buckets.reduce(0) { max($0, $1.ids.count) }
        sizeWidth = Int.bitWidth - largest.leadingZeroBitCount
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let old = buckets
        var removed = 0
        (buckets, places) = ([], [:])
        for bucket in old {
            let kept = bucket.ids.indices.filter { !selector.contains(bucket.ids[$0]) }
            removed += bucket.ids.count - kept.count
            guard !kept.isEmpty else { continue }
            insert(
                bucket.hash, kept.map { bucket.ids[$0] },
                kept.flatMap { bucket.codes[$0 * codeSize..<($0 + 1) * codeSize] })
        }
        header.count -= removed
        measureBuckets()
        return removed
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is BinaryHashIndex")
        }
        let moved = try other.buckets.map { bucket in
            try bucket.ids.map { id in
                let sum = id.addingReportingOverflow(shift)
                guard !sum.overflow else { throw IndexChangeError.idOverflow(id, shift: shift) }
                return sum.partialValue
            }
        }
        for (bucket, ids) in zip(other.buckets, moved) { insert(bucket.hash, ids, bucket.codes) }
        header.count += other.count
        measureBuckets()
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws {
        for place in buckets.indices { buckets[place].ids = buckets[place].ids.map(change) }
    }

    public mutating func clear() {
        (buckets, places, sizeWidth) = ([], [:], 0)
        header.count = 0
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBHh")
        try header.write(to: &writer)
        try writer.i32(hashWidth)
        try writer.i32(nflip)
        try writer.size(buckets.count)
        try writer.i32(sizeWidth)
        var stream = BitWriter(
            byteCount: (buckets.count * (hashWidth + sizeWidth) + 7) / 8)
        for bucket in buckets {
            stream.write(bucket.hash, hashWidth)
            stream.write(UInt64(bucket.ids.count), sizeWidth)
        }
        try writer.vector(stream.bytes)
        for bucket in buckets {
            try writer.vector(bucket.ids)
            try writer.vector(bucket.codes)
        }
    }
}

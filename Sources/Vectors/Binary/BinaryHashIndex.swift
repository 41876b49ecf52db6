/// Buckets of bit vectors by their first bits.
public struct BinaryHashIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    private struct Bucket: Sendable {
        let hash: UInt64
        let ids: [Int64]
        let codes: [UInt8]
    }

    let header: BinaryHeader
    private let hashWidth: Int
    private let nflip: Int
    private let sizeWidth: Int
    /// In the order of the file, which is that of a hash map.
    private let buckets: [Bucket]
    private let places: [UInt64: Int]

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
        let hash = query.withUnsafeBytes { bytes -> UInt64 in
            guard let base = bytes.baseAddress else { return 0 }
            var reader = BitReader(base, byteCount: bytes.count)
            return reader.read(hashWidth)
        }
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

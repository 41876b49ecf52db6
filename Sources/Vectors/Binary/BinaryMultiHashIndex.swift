/// Several tables of bit vectors by consecutive groups of their bits.
public struct BinaryMultiHashIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    fileprivate struct Table: Sendable {
        var idWidth: Int
        /// In the order of the file, which is that of a hash map.
        var entries: [(hash: UInt64, ids: [Int64])]
        var places: [UInt64: Int]

        mutating func insert(_ hash: UInt64, _ id: Int64) {
            if let place = places[hash] {
                entries[place].ids.append(id)
            } else {
                places[hash] = entries.count
                entries.append((hash, [id]))
            }
        }
    }

    private(set) var header: BinaryHeader
    private var storage: BinaryFlatIndex
    private let hashWidth: Int
    private let nflip: Int
    private var tables: [Table]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        let inner = try IndexTypes.readBinary("storage", &reader)
        guard let storage = inner as? BinaryFlatIndex else {
            throw reader.failure(
                "storage", found: "\(Swift.type(of: inner))", expected: "a flat one")
        }
        self.storage = storage
        try reader.check("storage", storage, of: header)
        hashWidth = try reader.int32("b", in: 1...min(64, header.dimension))
        let tableCount = try reader.int32("nhash", in: 1...max(1, header.dimension / hashWidth))
        nflip = try reader.int32("nflip", in: 0...Int(Int32.max))
        tables = try (0..<tableCount).map { [hashWidth, count = header.count] number in
            try reader.nested("map\(number)") {
                try Table(reading: &$0, hashWidth: hashWidth, count: count)
            }
        }
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector, .nflip] }

    /// The vectors that share a group of bits with a query, or nearly.
    private func candidates(_ query: [UInt8], _ nflip: Int) throws -> [Int32] {
        var found: Set<Int64> = []
        let flips = try BitFlips(width: hashWidth, limit: nflip)
        query.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var reader = BitReader(base, byteCount: bytes.count)
            for table in tables {
                let hash = reader.read(hashWidth)
                flips.forEach { flipped in
                    guard let place = table.places[hash ^ flipped] else { return }
                    found.formUnion(table.entries[place].ids)
                }
            }
        }
        return found.sorted().map { Int32($0) }
    }

    func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) throws {
        let positions = try candidates(query, parameters.nflip ?? nflip)
        var distances = [Float](repeating: 0, count: positions.count)
        let measure = try storage.distances(from: query)
        positions.withUnsafeBufferPointer { measure.fill(&distances, positions: $0) }
        for (position, distance) in zip(positions, distances) {
            if let selector = parameters.selector, !selector.contains(Int64(position)) { continue }
            collector.offer(distance, Int64(position))
        }
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] { try storage.reconstruct(id) }

    // MARK: Changes

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        try NumberedBinary.checkNoIDs(ids, "BinaryMultiHashIndex")
        guard count + vectors.count <= Int(Int32.max) else {
            throw TrainingError.tooManyVectors(
                limit: Int(Int32.max), index: "BinaryMultiHashIndex")
        }
        let first = count
        try storage.append(vectors, ids: nil)
        header.count = storage.count
        for row in 0..<vectors.count { insert(vectors.row(row), Int64(first + row)) }
        measureIDs()
    }

    private mutating func insert(_ vector: [UInt8], _ id: Int64) {
        vector.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var reader = BitReader(base, byteCount: bytes.count)
            for table in tables.indices { tables[table].insert(reader.read(hashWidth), id) }
        }
    }

    /// The bits that a file needs for an id, or for as many as there are.
    private mutating func measureIDs() {
        for table in tables.indices {
            tables[table].idWidth = Int.bitWidth - count.leadingZeroBitCount
        }
    }

    /// Closes the gaps: later vectors get smaller numbers.
    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let removed = try storage.delete(selector)
        guard removed > 0 else { return 0 }
        header.count = storage.count
        for table in tables.indices { (tables[table].entries, tables[table].places) = ([], [:]) }
        for id in 0..<Int64(count) { insert(try storage.reconstruct(id), id) }
        measureIDs()
        return removed
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is BinaryMultiHashIndex")
        }
        try NumberedBinary.checkNoShift(shift, "BinaryMultiHashIndex")
        try append(BinaryRows(other.storage.codes.array, codeSize: codeSize), ids: nil)
    }

    public mutating func clear() {
        storage.clear()
        for table in tables.indices {
            tables[table] = Table(idWidth: 0, entries: [], places: [:])
        }
        header.count = 0
    }

    public var renumbersOnRemoval: Bool { true }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBHm")
        try header.write(to: &writer)
        try storage.write(to: &writer)
        try writer.i32(hashWidth)
        try writer.i32(tables.count)
        try writer.i32(nflip)
        for table in tables { try table.write(to: &writer, hashWidth: hashWidth) }
    }
}

extension BinaryMultiHashIndex.Table {
    init(reading reader: inout IndexReader, hashWidth: Int, count: Int) throws {
        idWidth = try reader.int32("id_bits", in: 0...31)
        // Every bucket holds an id.
        let entryCount = try reader.size("size", in: 0...count)
        let start = reader.position
        let stream = try reader.vector("bitstream", of: UInt8.self)
        let bits = try reader.product("bitstream", entryCount, hashWidth + idWidth)
        let idBits = try reader.product("bitstream", count, idWidth)
        let total = bits.addingReportingOverflow(idBits)
        guard !total.overflow,
            stream.count == total.partialValue / 8 + (total.partialValue % 8 > 0 ? 1 : 0)
        else {
            throw reader.failure(
                "bitstream", at: start, found: "\(stream.count) bytes",
                expected: "\(entryCount) entries of \(count) ids")
        }
        var entries: [(hash: UInt64, ids: [Int64])] = []
        var places: [UInt64: Int] = [:]
        var left = count
        let failure: (hash: UInt64, size: UInt64)? = stream.withUnsafeBytes {
            [idWidth] bytes in
            guard let base = bytes.baseAddress else { return nil }
            var stream = BitReader(base, byteCount: bytes.count)
            for number in 0..<entryCount {
                let hash = stream.read(hashWidth)
                let size = stream.read(idWidth)
                guard size <= UInt64(left) else { return (hash, size) }
                left -= Int(size)
                var ids: [Int64] = []
                for _ in 0..<size {
                    let id = stream.read(idWidth)
                    guard id < UInt64(count) else { return (hash, id) }
                    ids.append(Int64(id))
                }
                places[hash] = number
                entries.append((hash, ids))
            }
            return nil
        }
        if let failure {
            throw reader.failure(
                "bitstream", at: start, found: "\(failure.size) in bucket \(failure.hash)",
                expected: "ids below \(count), each once")
        }
        self.entries = entries
        self.places = places
    }

    func write(to writer: inout IndexWriter, hashWidth: Int) throws {
        try writer.i32(idWidth)
        try writer.size(entries.count)
        let idCount = entries.reduce(0) { $0 + $1.ids.count }
        var stream = BitWriter(
            byteCount: (entries.count * (hashWidth + idWidth) + idCount * idWidth + 7) / 8)
        for entry in entries {
            stream.write(entry.hash, hashWidth)
            stream.write(UInt64(entry.ids.count), idWidth)
            for id in entry.ids { stream.write(UInt64(id), idWidth) }
        }
        try writer.vector(stream.bytes)
    }
}

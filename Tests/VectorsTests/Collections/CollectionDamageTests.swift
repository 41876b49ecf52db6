import FathomTestSupport
import FathomVectors
import Testing

@Suite("Damaged collections")
struct CollectionDamageTests {
    /// A disk with a collection of two segments, deleted rows, and a log of some operations.
    static func disk(
        isClosed: Bool, lastSteps: Int = 6
    ) throws -> (SimulatedDisk, states: [CollectionModel]) {
        let disk = SimulatedDisk()
        var random = SeededGenerator(seed: 77)
        var model = CollectionModel()
        let collection = try VectorCollection.create(
            in: disk, CollectionModel.settings, CollectionModelTests.manual)
        func add(_ ids: ClosedRange<Int64>) throws {
            let step = CollectionModel.Step.add(
                ids.map { ($0, CollectionModel.row(&random)) })
            try CollectionModel.apply(step, to: collection)
            model.apply(step)
        }
        func delete(_ ids: [Int64]) throws {
            try collection.delete(ids)
            model.apply(.delete(ids))
        }
        try add(0...19)
        try collection.compact()
        try add(15...25)
        try delete([2, 4])
        try collection.seal()
        var states = [model]
        for step in 0..<lastSteps {
            if step.isMultiple(of: 3) {
                try delete([Int64(step), 16])
            } else {
                try add(Int64(step)...Int64(step) + 1)
            }
            states.append(model)
        }
        if isClosed { try collection.close() }
        return (disk.restarted(), states)
    }

    static func log(_ disk: SimulatedDisk) throws -> String {
        try #require(try disk.list().first { $0.hasPrefix("log-") })
    }

    private func open(_ disk: SimulatedDisk) -> Result<CollectionModel, any Error> {
        Result {
            let collection = try VectorCollection.openForReading(in: disk)
            let queries = try VectorRows([1, 2, 3], dimension: 3)
            for exact in [true, false] {
                let options = CollectionSearchOptions(isExact: exact)
                _ = try collection.search(queries, k: 5, options: options)
                _ = try collection.search(
                    queries, k: 5, where: Column("lang") == "en", options: options)
            }
            return try CollectionModel(collection.snapshot)
        }
    }

    @Test("with a log cut at any byte hold the operations before the cut")
    func truncation() throws {
        let (disk, states) = try Self.disk(isClosed: false)
        let name = try Self.log(disk)
        let log = try #require(disk[name])
        var reached = 0
        for length in 0...log.count {
            disk[name] = Array(log[..<length])
            guard length >= 40 else {
                guard case .failure(let error) = open(disk) else {
                    Issue.record("a head of \(length) bytes was taken")
                    continue
                }
                #expect("\(error)".contains(name))
                continue
            }
            let found = try open(disk).get()
            // States grow with the length, one at a time.
            if found != states[reached] {
                reached += 1
                try #require(reached < states.count)
            }
            #expect(found == states[reached], "\(length) bytes")
            let copy = disk.restarted()
            let writer = try VectorCollection.open(in: copy, CollectionModelTests.manual)
            #expect(try CollectionModel(writer.snapshot) == states[reached])
            #expect(copy[name].map { $0.count + writer.recovery.cutBytes } == length)
            #expect(writer.recovery.notes.isEmpty == (writer.recovery.cutBytes == 0))
        }
        #expect(reached == states.count - 1)
    }

    @Test("with a flipped bit in the log are refused, or hold what was before the last operation")
    func flippedLog() throws {
        for isClosed in [true, false] {
            let (disk, states) = try Self.disk(isClosed: isClosed)
            let name = try Self.log(disk)
            let log = try #require(disk[name])
            var refused = 0
            for position in log.indices {
                for bit in 0..<8 {
                    var damaged = log
                    damaged[position] ^= 1 << UInt8(bit)
                    disk[name] = damaged
                    switch open(disk) {
                    case .success(let model):
                        // The tail that nothing speaks of: the last operation, or the mark of a
                        // log that was closed.
                        #expect(
                            model
                                == (isClosed ? states[states.count - 1] : states[states.count - 2]),
                            "byte \(position)")
                    case .failure(let error):
                        refused += 1
                        #expect("\(error)".contains("\(name): the "), "\(error)")
                    }
                }
            }
            #expect(refused > log.count * 8 / 2)
        }
    }

    @Test("with damage in the middle of the log are opened up to it, if that is wanted")
    func cutAtDamage() throws {
        let (disk, states) = try Self.disk(isClosed: true)
        let name = try Self.log(disk)
        var log = try #require(disk[name])
        let original = log
        // In the first record's payload.
        log[40 + 24 + 3] ^= 1
        disk[name] = log
        let error = #expect(throws: CollectionError.self) {
            try VectorCollection.open(in: disk, CollectionModelTests.manual)
        }
        #expect("\(String(describing: error))".contains("6 operations follow"))
        #expect("\(String(describing: error))".contains("cutAtDamage"))
        var options = CollectionModelTests.manual
        options.damagedLog = .cutAtDamage
        let collection = try VectorCollection.open(in: disk, options)
        #expect(try CollectionModel(collection.snapshot) == states[0])
        #expect(collection.recovery.droppedOperations == 6)
        #expect(disk[name + ".damaged"]?.count == original.count)
    }

    @Test("with a flipped bit in any other file are refused by its name, or hold what they held")
    func flippedFiles() throws {
        let (disk, states) = try Self.disk(isClosed: true)
        let names = try disk.list().filter { !$0.hasPrefix("log-") }
        #expect(names.filter { $0.hasPrefix("segment-") }.count == 2)
        #expect(names.contains { $0.hasPrefix("deleted-") })
        for name in names {
            let original = try #require(disk[name])
            for position in original.indices {
                var damaged = original
                damaged[position] ^= 1 << UInt8(position % 8)
                disk[name] = damaged
                switch open(disk) {
                case .success(let model): #expect(model == states.last, "\(name), \(position)")
                case .failure(let error):
                    #expect("\(error)".contains("\(name): the "), "\(error)")
                }
            }
            disk[name] = original
        }
    }

    @Test("cut short in any file are refused by its name")
    func shortFiles() throws {
        let (disk, _) = try Self.disk(isClosed: true)
        for name in try disk.list() where !name.hasPrefix("log-") {
            let original = try #require(disk[name])
            for length in 0..<original.count {
                disk[name] = Array(original[..<length])
                guard case .failure(let error) = open(disk) else {
                    Issue.record("\(name) of \(length) bytes was taken")
                    continue
                }
                #expect("\(error)".contains(name))
            }
            disk[name] = nil
            guard case .failure(let error) = open(disk) else {
                Issue.record("a collection without \(name) was taken")
                continue
            }
            #expect(
                name == "MANIFEST"
                    ? "\(error)".contains("no MANIFEST") : "\(error)".contains("\(name) is missing")
            )
            disk[name] = original
        }
    }

    @Test(
        "whose checksums were made to match again give an error or an answer, and never a crash",
        arguments: ["MANIFEST", "deleted", "log", "segment"])
    func flippedBytes(_ kind: String) throws {
        let (disk, _) = try Self.disk(isClosed: true)
        let name = try #require(try disk.list().first { $0.hasPrefix(kind) })
        let original = try #require(disk[name])
        var flips = ByteFlips(original, seed: 13)
        flips.forEach("collection \(kind)", count: 1500) { bytes in
            disk[name] =
                switch kind {
                case "segment": Self.resealedSegment(bytes)
                case "log": Self.resealedLog(bytes)
                default: Self.resealed(bytes)
                }
            _ = open(disk)
        }
    }

    private static func sum(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let sum = Array(bytes).withUnsafeBytes { CyclicChecksum(of: $0).value }
        return withUnsafeBytes(of: sum) { Array($0) }
    }

    /// A small file with a checksum that fits what is before it.
    private static func resealed(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count < 4 ? bytes : bytes.dropLast(4) + sum(bytes.dropLast(4))
    }

    /// A log with a head and records that fit.
    private static func resealedLog(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 40 else { return bytes }
        var bytes = resealed(Array(bytes[..<40])) + bytes[40...]
        func number(_ offset: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        let salt = number(12) &+ number(20) &* 0x9E37_79B9_7F4A_7C15
        var offset = 40
        while offset + 24 <= bytes.count {
            let length = Int(number(offset) & 0xFFFF_FFFF)
            guard offset + 24 + length <= bytes.count else { break }
            let salted =
                withUnsafeBytes(of: salt) { Array($0) } + bytes[offset..<offset + 4]
                + bytes[offset + 8..<offset + 24 + length]
            bytes.replaceSubrange(offset + 4..<offset + 8, with: sum(salted))
            offset += 24 + length
        }
        return bytes
    }

    /// A segment with a head and sections that fit.
    private static func resealedSegment(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        guard bytes.count >= 24 else { return bytes }
        func number(_ offset: Int) -> Int {
            Int(
                truncatingIfNeeded: (0..<8).reduce(UInt64(0)) {
                    $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1)
                })
        }
        let count = number(12) & 0xFFFF_FFFF
        guard count < 100, bytes.count >= 28 + 48 * count else { return bytes }
        withUnsafeBytes(of: UInt64(bytes.count)) { bytes.replaceSubrange(16..<24, with: $0) }
        for section in 0..<count {
            let entry = 24 + 48 * section
            let (offset, size) = (number(entry + 24), number(entry + 32))
            guard offset >= 0, size >= 0, offset <= bytes.count, size <= bytes.count - offset
            else { continue }
            bytes.replaceSubrange(
                entry + 40..<entry + 44, with: sum(bytes[offset..<offset + size]))
        }
        let end = 24 + 48 * count
        bytes.replaceSubrange(end..<end + 4, with: sum(bytes[..<end]))
        return bytes
    }
}

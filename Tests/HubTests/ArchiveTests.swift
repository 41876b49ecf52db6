import FathomHub
import FathomTestSupport
import Testing

@Suite("DEFLATE and ZIP")
struct ArchiveTests {
    /// Decompresses from pieces of a given size.
    private func inflate(_ stream: [UInt8], pieces: Int = 1000) throws -> [UInt8] {
        var rest = stream[...]
        var output: [UInt8] = []
        try Inflate.decompress(
            from: {
                defer { rest = rest.dropFirst(pieces) }
                return Array(rest.prefix(pieces))
            },
            to: { output += $0 })
        return output
    }

    @Test(
        "streams of another writer decompress, in pieces of any size",
        arguments: [1, 7, 1000, 100_000])
    func decompresses(pieces: Int) throws {
        #expect(try inflate(DeflateSamples.farDynamic, pieces: pieces) == DeflateSamples.far)
        #expect(
            try inflate(DeflateSamples.shortFixed, pieces: pieces)
                == Array(DeflateSamples.text.prefix(300)))
        var random = SeededGenerator(seed: 5)
        let content = random.bytes(200_000)
        #expect(try inflate(DeflateSamples.stored(content), pieces: pieces) == content)
        #expect(try inflate(DeflateSamples.stored([]), pieces: pieces).isEmpty)
    }

    @Test("long output passes the window many times")
    func longOutput() throws {
        // Fixed block: literal 'a', then 258 bytes from distance 1 again and again, then the end.
        var bits: [Int] = [1, 1, 0]
        func code(_ value: Int, _ count: Int) {
            bits += (0..<count).reversed().map { value >> $0 & 1 }
        }
        code(0x30 + 0x61, 8)
        for _ in 0..<10_000 {
            code(0xC0 + 285 - 280, 8)
            code(0, 5)
        }
        code(0, 7)
        let stream = stride(from: 0, to: bits.count, by: 8).map { start in
            UInt8((0..<8).reduce(0) { $0 | (start + $1 < bits.count ? bits[start + $1] : 0) << $1 })
        }
        let output = try inflate(stream)
        #expect(output.count == 2_580_001)
        #expect(output.allSatisfy { $0 == UInt8(ascii: "a") })
    }

    @Test("a stream cut anywhere throws")
    func truncated() {
        for stream in [DeflateSamples.farDynamic, DeflateSamples.shortFixed] {
            for count in 0..<stream.count {
                #expect(throws: Inflate.Fault.self) { try inflate(Array(stream.prefix(count))) }
            }
        }
    }

    @Test("damaged streams throw or end, and never trap", arguments: 0..<8)
    func damaged(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<200 {
            var stream = Bool.random(using: &random) ? DeflateSamples.farDynamic : random.bytes(300)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<stream.count, using: &random)
                stream[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            do { _ = try inflate(stream) } catch { #expect(error is Inflate.Fault) }
        }
    }

    @Test(
        "codes that cannot be are refused",
        arguments: [
            ([7, 0], Inflate.Fault.badBlockType), ([1, 1, 0, 0, 0], .badStoredLength),
            // A match before the first byte: length 3 from distance 1.
            ([3, 2, 0], .badDistance),
            // More literal codes than exist.
            ([0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .badCodeLengths),
            // Lengths that leave codes without a meaning.
            ([5, 0, 2, 0, 0, 0, 0, 0, 0], .badCodeLengths),
        ] as [([UInt8], Inflate.Fault)])
    func refusesCodes(stream: [UInt8], fault: Inflate.Fault) {
        #expect(throws: fault) { try inflate(stream) }
    }

    private func open(_ archive: [UInt8], _ folder: TemporaryFolder) throws -> ZipArchive {
        let path = folder.path + "/a.whl"
        try Disk.write(archive, to: path)
        return try ZipArchive(path)
    }

    private let sample = ZipSample(members: [
        ZipSample.stored("a/METADATA", Array("text".utf8)),
        .init(
            name: "a/model.gguf", bytes: DeflateSamples.far.count,
            packed: DeflateSamples.farDynamic, isDeflated: true),
    ])

    @Test("stored and deflated members come out")
    func readsMembers() throws {
        let folder = TemporaryFolder()
        let archive = try open(sample.archive + [], folder)
        #expect(archive.members.map(\.name) == ["a/METADATA", "a/model.gguf"])
        for (name, content) in [
            ("a/METADATA", Array("text".utf8)), ("a/model.gguf", DeflateSamples.far),
        ] {
            var output: [UInt8] = []
            let member = try archive.member(name)
            #expect(member.bytes == Int64(content.count))
            try archive.extract(member) { output += $0 }
            #expect(output == content)
        }
    }

    @Test("a member that is missing or there twice is refused")
    func refusesMembers() async throws {
        let folder = TemporaryFolder()
        let twice = ZipSample(members: [ZipSample.stored("m", [1]), ZipSample.stored("m", [2])])
        let archive = try open(twice.archive, folder)
        for (name, count) in [("m", 2), ("n", 0)] {
            let error = try await hubError { try archive.member(name) }
            #expect(error.description.contains("\(count) members named '\(name)'"))
        }
    }

    @Test("an archive cut anywhere throws")
    func truncatedArchive() throws {
        let folder = TemporaryFolder()
        let whole = sample.archive
        for count in stride(from: 0, to: whole.count, by: 13) {
            #expect(throws: HubError.self) { try open(Array(whole.prefix(count)), folder) }
        }
    }

    @Test("damaged archives throw or give bytes, and never trap", arguments: 0..<4)
    func damagedArchive(seed: Int) throws {
        let folder = TemporaryFolder()
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<100 {
            var bytes = sample.archive
            // Mostly the headers, which are few bytes of the whole.
            for _ in 0..<3 {
                let tail = Int.random(in: 1...200, using: &random)
                let place = Bool.random(using: &random) ? bytes.count - tail : tail
                bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            }
            do {
                let archive = try open(bytes, folder)
                for member in archive.members { try archive.extract(member) { _ in } }
            } catch {
                #expect(error is HubError, "\(error)")
            }
        }
    }
}

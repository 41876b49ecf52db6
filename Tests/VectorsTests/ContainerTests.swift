import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Containers of indexes")
struct ContainerTests {
    private func bytes(_ path: String) throws -> [UInt8] {
        try MappedFile(path: path).withBytes { Array($0) }
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        let file = try #require(fopen(path, "wb"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
    }

    @Test("hold what the file of Faiss holds", arguments: FaissCase.all)
    func roundTrip(_ example: FaissCase) throws {
        let folder = try TemporaryFolder()
        let original = try IndexFile.read(example.indexPath)
        // Lists in a file of their own are looked for beside the index.
        if example.name.hasPrefix("ondisk") {
            try write(
                bytes(example.folder + "/lists.ivfdata"), folder("lists.ivfdata"))
        }
        try original.write(folder("index.fathom"), as: .container)
        try IndexFile.verify(folder("index.fathom"))
        let expected = try original.bytes()
        #expect(try IndexFile.read(folder("index.fathom")).bytes() == expected)
        #expect(try IndexFile.map(folder("index.fathom")).bytes() == expected)
    }

    @Test("are searched in place with the same results", arguments: BuiltIndex.all)
    func searching(_ factory: String) throws {
        let folder = try TemporaryFolder()
        let built = try BuiltIndex(count: 3000)
        let queries = try BuiltIndex(count: 20, seed: 72).rows
        let index = try built.filled(factory, 0..<3000)
        try IndexFile.vectors(index).write(folder("index.fathom"), as: .container)
        var mapped = try #require(try IndexFile.map(folder("index.fathom")).vectorIndex)
        #expect(try mapped.search(queries, k: 9) == index.search(queries, k: 9))
        // What is changed is brought into memory; the file stays.
        let before = try bytes(folder("index.fathom"))
        try mapped.add(built.part(0..<5))
        #expect(mapped.count == 3005)
        #expect(try bytes(folder("index.fathom")) == before)
        try IndexFile.vectors(mapped).write(folder("index.fathom"), as: .container)
        #expect(try IndexFile.read(folder("index.fathom")).vectorIndex?.count == 3005)
    }

    @Test("that are damaged anywhere are refused")
    func damage() throws {
        let folder = try TemporaryFolder()
        let built = try BuiltIndex(count: 700)
        let index = IndexFile.vectors(try built.filled("IVF3,SQ8", 0..<700))
        try index.write(folder("index.fathom"), as: .container)
        let whole = try bytes(folder("index.fathom"))
        let expected = try index.bytes()
        var refused = 0
        let places =
            Array(stride(from: 0, to: whole.count, by: 61)) + (whole.count - 40..<whole.count)
        for place in places {
            var damaged = whole
            damaged[place] ^= 0x10
            try write(damaged, folder("damaged.fathom"))
            do {
                // Only what is between sections may change unseen.
                #expect(try IndexFile.read(folder("damaged.fathom")).bytes() == expected)
            } catch is IndexFileError { refused += 1 }
        }
        #expect(refused > places.count * 9 / 10)
        for length in stride(from: 8, to: whole.count, by: 97) {
            try write(Array(whole.prefix(length)), folder("short.fathom"))
            #expect(throws: IndexFileError.self) { try IndexFile.read(folder("short.fathom")) }
            #expect(throws: IndexFileError.self) { try IndexFile.map(folder("short.fathom")) }
        }
    }

    @Test("have checksums that files of Faiss lack")
    func verification() throws {
        let folder = try TemporaryFolder()
        let built = try BuiltIndex(count: 700)
        let index = IndexFile.vectors(try built.filled("Flat", 0..<700))
        try index.write(folder("index.faiss"))
        #expect(throws: IndexFileError.self) { try IndexFile.verify(folder("index.faiss")) }
        try index.write(folder("index.fathom"), as: .container)
        var damaged = try bytes(folder("index.fathom"))
        damaged[5000] ^= 1
        try write(damaged, folder("index.fathom"))
        // Codes that stay in the file are not read to be opened.
        _ = try IndexFile.map(folder("index.fathom"))
        #expect(throws: IndexFileError.self) { try IndexFile.verify(folder("index.fathom")) }
        #expect(throws: IndexFileError.self) { try IndexFile.read(folder("index.fathom")) }
    }
}

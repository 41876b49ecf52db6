import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// "Works when" 17: inverted lists in a file of their own.
@Suite("Inverted lists in a file")
struct DiskListTests {
    let built: BuiltIndex
    let queries: VectorRows

    init() throws {
        built = try BuiltIndex(count: 500)
        queries = try BuiltIndex(count: 9, seed: 72).rows
    }

    @Test(
        "Works when 17: are searched like lists in memory",
        arguments: ["IVF6,Flat", "IVF6,SQ8", "IVF6,PQ4x4", "PCA4,IVF6,Flat", "IVF6,RaBitQ4"])
    func searching(_ factory: String) throws {
        let folder = try TemporaryFolder()
        let index = try built.filled(factory, 0..<500)
        let parameters = BuiltIndex.thorough(index)
        let expected = try index.search(queries, k: 12, parameters: parameters)
        var moved = index
        try moved.moveLists(toFile: folder("lists.ivfdata"))
        #expect(try moved.search(queries, k: 12, parameters: parameters) == expected)
        #expect(
            try moved.reconstruct([0, 77, 499]) == index.reconstruct([0, 77, 499]))
        try IndexFile.vectors(moved).write(folder("index.faiss"))
        let read = try #require(try IndexFile.read(folder("index.faiss")).vectorIndex)
        #expect(try read.search(queries, k: 12, parameters: parameters) == expected)
        // Both files are found together in another folder.
        let other = try TemporaryFolder()
        for name in ["index.faiss", "lists.ivfdata"] {
            #expect(rename(folder(name), other(name)) == 0)
        }
        #expect(throws: IndexFileError.self) { try IndexFile.read(folder("index.faiss")) }
        var found = try #require(try IndexFile.read(other("index.faiss")).vectorIndex)
        #expect(try found.search(queries, k: 12, parameters: parameters) == expected)
        // What is changed comes back into memory.
        try found.add(built.part(0..<1))
        #expect(found.count == 501)
        var grown = index
        try grown.add(built.part(0..<1))
        #expect(try IndexFile.vectors(found).bytes() == IndexFile.vectors(grown).bytes())
    }

    @Test(
        "Works when 17: are in a file that doubles from 32 bytes, each with a power of two of places"
    )
    func layout() throws {
        let folder = try TemporaryFolder()
        var last: Int?
        for count in [1, 2, 40, 499] {
            var index = try built.filled("IVF6,Flat", 0..<count)
            try index.moveLists(toFile: folder("lists.ivfdata"))
            let size = try MappedFile(path: folder("lists.ivfdata")).withBytes { $0.count }
            #expect(size >= 32 && size & (size - 1) == 0)
            // A vector of 8 floats and its label take 40 bytes.
            #expect(size >= 40 * count)
            #expect(size >= last ?? 0)
            last = size
        }
        var empty = try built.trained("IVF6,Flat")
        try empty.moveLists(toFile: folder("empty.ivfdata"))
        #expect(try empty.search(queries, k: 1).labels.allSatisfy { $0 == -1 })
    }

    @Test("are refused for types without lists of plain codes")
    func refusals() throws {
        let folder = try TemporaryFolder()
        for factory in ["Flat", "IVF6,PQ4x4fs", "HNSW8"] {
            var index = try built.filled(factory, 0..<20)
            #expect(throws: IndexChangeError.self) {
                try index.moveLists(toFile: folder("lists.ivfdata"))
            }
        }
    }
}

import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Index files that are mapped")
struct MappedIndexTests {
    @Test("are searched with the results of loaded ones", arguments: FaissCase.all)
    func searches(_ example: FaissCase) throws {
        let tensor = try example.queries()
        let loaded = try IndexFile.read(example.indexPath)
        let mapped = try IndexFile.map(example.indexPath)
        for search in try example.searches() {
            guard let k = search.k else { continue }
            switch (loaded, mapped) {
            case (.vectors(let loaded), .vectors(let mapped)):
                let rows = try VectorRows(tensor.floatArray(), dimension: tensor.shape.last)
                #expect(
                    try mapped.search(rows, k: k, parameters: search.parameters)
                        == loaded.search(rows, k: k, parameters: search.parameters))
            case (.binary(let loaded), .binary(let mapped)):
                let rows = try BinaryRows(
                    tensor.withBytes { Array($0) }, codeSize: tensor.shape.last)
                #expect(
                    try mapped.search(rows, k: k, parameters: search.parameters)
                        == loaded.search(rows, k: k, parameters: search.parameters))
            default: Issue.record("one is of bits, the other is not")
            }
        }
        #expect(try mapped.bytes() == loaded.bytes())
    }

    @Test("that are cut short end a search with an error", arguments: [false, true])
    func cutShort(_ hasLists: Bool) throws {
        let folder = try TemporaryFolder()
        let values = FlatSearchTests.values(4000 * 8, seed: 41)
        let rows = try VectorRows(values, dimension: 8)
        var builder = try IndexBuilder(
            IndexDescription(hasLists ? "IVF4,Flat" : "Flat", dimension: 8))
        try builder.train(rows)
        try builder.add(rows)
        try builder.write(folder("vectors.faiss"))
        let index = try #require(try IndexFile.map(folder("vectors.faiss")).vectorIndex)
        let query = try VectorRows(Array(values.prefix(8)), dimension: 8)
        #expect(try index.search(query, k: 3) == builder.finished().search(query, k: 3))
        #expect(truncate(folder("vectors.faiss"), 4096) == 0)
        #expect(throws: IndexFileError.self) { try index.search(query, k: 3) }
    }

    @Test("that are large are read to where they can be searched, written and changed")
    func large() throws {
        let folder = try TemporaryFolder()
        // More bytes than from which on what is read stays in memory of its own.
        let count = 40_960
        let rows = try VectorRows(FlatSearchTests.values(count * 32, seed: 47), dimension: 32)
        let built = FlatIndex(rows, metric: .l2)
        try IndexFile.vectors(built).write(folder("large.faiss"))
        let read = try IndexFile.read(folder("large.faiss"))
        #expect(try read.bytes() == IndexFile.vectors(built).bytes())
        var index = try #require(read.vectorIndex)
        let query = try VectorRows(Array(rows.values.suffix(32)), dimension: 32)
        #expect(try index.search(query, k: 5) == built.search(query, k: 5))
        try index.add(query)
        let twice = try index.search(query, k: 2)
        #expect(twice.labels == [Int64(count) - 1, Int64(count)] && twice.distances == [0, 0])
        #expect(try index.remove(.range(0, Int64(count))) == count)
        #expect(try index.search(query, k: 1).labels == [0])
        // What was read before does not change with it.
        #expect(read.vectorIndex?.count == count)
    }

    @Test("may begin at any byte whatever the metric", arguments: Metric.allCases)
    func unaligned(_ metric: Metric) throws {
        let folder = try TemporaryFolder()
        let values = FlatSearchTests.values(900 * 7, seed: 43)
        let flat = FlatIndex(
            try VectorRows(values, dimension: 7), metric: metric, metricArgument: 1.5)
        try IndexFile.vectors(flat).write(folder("flat.faiss"))
        let mapped = try #require(try IndexFile.map(folder("flat.faiss")).vectorIndex)
        let queries = try VectorRows(FlatSearchTests.values(3 * 7, seed: 44), dimension: 7)
        #expect(try mapped.search(queries, k: 20) == flat.search(queries, k: 20))
        let distances = try mapped.distances(from: queries.row(0))
        let expected = try flat.distances(from: queries.row(0))
        for position in [Int32(0), 17, 899] {
            var (found, wanted) = (Float(0), Float(0))
            withUnsafePointer(to: position) { pointer in
                let one = UnsafeBufferPointer(start: pointer, count: 1)
                distances.fill(&found, positions: one)
                expected.fill(&wanted, positions: one)
            }
            #expect(found == wanted)
        }
    }
}

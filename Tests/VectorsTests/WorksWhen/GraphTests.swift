import FathomTestSupport
import FathomVectors
import Testing

/// "Works when" 9: what graphs of layers are like, and what they find.
@Suite("Graphs of layers")
struct GraphTests {
    private func normal(_ count: Int, seed: UInt32) throws -> VectorRows {
        try VectorRows(FaissRandom.normal(count * 32, seed: seed), dimension: 32)
    }

    @Test("Works when 9: links are of the level's number and kind, and nine in ten are found")
    func shapeAndRecall() throws {
        let rows = try normal(10_000, seed: 3)
        var builder = try IndexBuilder(IndexDescription("HNSW16", dimension: 32))
        try builder.add(rows)
        let index = try builder.finished()
        let graph = try GraphFields(try IndexFile.vectors(index).bytes())
        #expect(Array(graph.levelStarts.prefix(4)) == [0, 32, 48, 64])
        #expect(graph.levels.count == 10_000)
        #expect(graph.offsets.last == UInt64(graph.neighbors.count))
        let highest = try #require(graph.levels.max())
        #expect(highest >= 3)
        #expect(graph.maximumLevel == highest - 1)
        #expect(graph.levels[Int(graph.entryPoint)] == highest)
        var wrong = 0
        for node in 0..<10_000 {
            for level in 0..<Int(graph.levels[node]) {
                let places = graph.places(node, level)
                let links = places.prefix { $0 >= 0 }
                let isWhole =
                    places.dropFirst(links.count).allSatisfy { $0 == -1 }
                    && Set(links).count == links.count && !links.contains(Int32(node))
                    && links.allSatisfy { Int($0) < 10_000 && graph.levels[Int($0)] > level }
                if !isWhole || level == 0 && links.isEmpty { wrong += 1 }
            }
        }
        #expect(wrong == 0)

        let queries = try normal(100, seed: 4)
        let exact = try FlatIndex(rows, metric: .l2).search(queries, k: 10)
        var parameters = SearchParameters()
        parameters.efSearch = 64
        let found = try index.search(queries, k: 10, parameters: parameters)
        let hits = (0..<100).reduce(0) { sum, query in
            let places = query * 10..<(query + 1) * 10
            return sum + Set(exact.labels[places]).intersection(found.labels[places]).count
        }
        #expect(hits >= 900, "\(hits) of 1000")
    }

    @Test("Works when 9: levels, places and the entry point are those of Faiss, also in two parts")
    func levels() throws {
        let expected = try GraphFields(
            try Fixtures.bytes("faiss/hnswflat_small_2adds/index.faiss"))
        let rows = try FaissVectors.first("A")
        try #require(rows.count == 137 && expected.levels.count == 137)
        let linkCount = Int(expected.levelStarts[1]) / 2
        var builder = try IndexBuilder(IndexDescription("HNSW\(linkCount)", dimension: 8))
        try builder.add(rows.gathering(0..<100))
        try builder.add(rows.gathering(100..<137))
        let graph = try GraphFields(try IndexFile.vectors(builder.finished()).bytes())
        #expect(graph.levels == expected.levels)
        #expect(graph.offsets == expected.offsets)
        #expect(graph.levelStarts == expected.levelStarts)
        #expect(graph.entryPoint == expected.entryPoint)
        #expect(graph.maximumLevel == expected.maximumLevel)
    }
}

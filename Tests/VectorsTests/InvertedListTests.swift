import FathomTestSupport
import FathomVectors
import Testing

@Suite("Inverted lists")
struct InvertedListTests {
    @Test("Works when 5: all looked at find what a flat index finds")
    func exhaustive() throws {
        let values = FlatSearchTests.values(60 * 3, seed: 31)
        let flat = FlatIndex(try VectorRows(values, dimension: 3), metric: .l2)
        let centroids = Array(values.prefix(4 * 3))
        let nearest = try FlatIndex(try VectorRows(centroids, dimension: 3), metric: .l2).search(
            try VectorRows(values, dimension: 3), k: 1)
        let lists = (0..<4).map { list in
            (0..<60).filter { nearest.labels[$0] == list }.map { Int64($0) }
        }
        var file = IndexBytes()
        file.invertedFlat(values, 3, centroids: centroids, lists: lists)
        let index = try #require(try IndexFile.read(file.bytes).vectorIndex)
        let queries = try VectorRows(FlatSearchTests.values(7 * 3, seed: 32), dimension: 3)
        var parameters = SearchParameters()
        parameters.nprobe = 4
        #expect(
            try index.search(queries, k: 10, parameters: parameters)
                == flat.search(queries, k: 10))
        parameters.nprobe = 1_000_000
        #expect(try index.search(queries, k: 10, parameters: parameters).labels.count == 70)
        parameters.nprobe = 0
        #expect(throws: VectorSearchError.self) {
            try index.search(queries, k: 10, parameters: parameters)
        }
        #expect(try index.reconstruct(17) == flat.reconstruct(17))
        #expect(throws: VectorSearchError.noSuchID(60)) { try index.reconstruct(60) }
    }

    @Test("that hold another number than the header says are refused")
    func wrongTotal() throws {
        var file = IndexBytes()
        file.invertedFlat([1, 2, 3, 4], 2, centroids: [0, 0], lists: [[0]])
        #expect(throws: IndexFileError.self) { try IndexFile.read(file.bytes) }
    }
}

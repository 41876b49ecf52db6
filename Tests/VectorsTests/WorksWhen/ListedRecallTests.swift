import FathomTestSupport
import FathomVectors
import Testing

/// "Works when" 5: what inverted lists find.
@Suite("Inverted lists beside flat search")
struct ListedRecallTests {
    let rows: VectorRows
    let queries: VectorRows

    init() throws {
        rows = try BuiltIndex(count: 2000, dimension: 16).rows
        queries = try BuiltIndex(count: 100, dimension: 16, seed: 72).rows
    }

    @Test(
        "Works when 5: all lists find what flat search finds, and more lists find more",
        arguments: [Metric.l2, .innerProduct])
    func recall(_ metric: Metric) throws {
        var builder = try IndexBuilder(
            IndexDescription("IVF32,Flat", dimension: 16, metric: metric))
        try builder.train(rows)
        try builder.add(rows)
        let index = try builder.finished()
        let exact = try FlatIndex(rows, metric: metric).search(queries, k: 10)
        var parameters = SearchParameters()
        parameters.nprobe = 32
        #expect(try index.search(queries, k: 10, parameters: parameters) == exact)
        let found = try [1, 2, 4, 8, 16, 32].map { nprobe in
            parameters.nprobe = nprobe
            let labels = try index.search(queries, k: 10, parameters: parameters).labels
            return (0..<queries.count).reduce(0) { sum, query in
                let places = query * 10..<(query + 1) * 10
                return sum + Set(labels[places]).intersection(exact.labels[places]).count
            }
        }
        #expect(found == found.sorted())
        #expect(found[0] < found[5])
        #expect(found[5] == 10 * queries.count)
    }
}

import FathomTestSupport
import FathomVectors
import Testing

@Suite("Searches of many queries at once")
struct PanelSearchTests {
    /// Vectors of which some are equal, some are tiny and some are far from the others.
    private static func rows(_ count: Int, dimension: Int, seed: UInt64) throws -> VectorRows {
        var generator = SeededGenerator(seed: seed)
        var values = generator.floats(count * dimension)
        for row in 0..<count {
            let scale: Float = row % 17 == 3 ? 1e-6 : row % 19 == 5 ? 100 : 1
            let source = row % 13 == 12 ? row - 1 : row
            for k in 0..<dimension {
                values[row * dimension + k] = values[source * dimension + k] * scale
            }
        }
        return try VectorRows(values, dimension: dimension)
    }

    private static func oneByOne(
        _ index: any VectorIndex, _ queries: VectorRows, k: Int, _ parameters: SearchParameters
    ) throws -> (labels: [Int64], distances: [UInt32]) {
        var labels: [Int64] = []
        var distances: [UInt32] = []
        for query in 0..<queries.count {
            let found = try index.search(
                VectorRows(queries.row(query), dimension: queries.dimension), k: k,
                parameters: parameters)
            labels += found.labels
            distances += found.distances.map(\.bitPattern)
        }
        return (labels, distances)
    }

    @Test(
        "give the bits of single queries, whatever their number and the threads",
        arguments: ["Flat", "IVF8,Flat"], [Metric.l2, .innerProduct])
    func sameBits(_ factory: String, _ metric: Metric) throws {
        for (dimension, count) in [(1, 300), (7, 500), (64, 1000), (100, 2500)] {
            let base = try Self.rows(count, dimension: dimension, seed: 5)
            var builder = try IndexBuilder(
                IndexDescription(factory, dimension: dimension, metric: metric))
            try builder.train(base)
            try builder.add(base)
            let index = try builder.finished()
            for queryCount in [1, 2, 3, 16, 65, 200] {
                let queries = try Self.rows(queryCount, dimension: dimension, seed: 9)
                for k in [1, 10, 400] {
                    var parameters = SearchParameters()
                    if factory != "Flat" { parameters.nprobe = 5 }
                    if k == 10 { parameters.selector = .range(20, Int64(count) - 100) }
                    let expected = try Self.oneByOne(index, queries, k: k, parameters)
                    for threads in [1, 2, 3] {
                        let found = try index.search(
                            queries, k: k, parameters: parameters, threads: threads)
                        #expect(found.labels == expected.labels)
                        #expect(found.distances.map(\.bitPattern) == expected.distances)
                    }
                }
            }
        }
    }

    @Test("hold with numbers that overflow, are none, or are all the same")
    func extremes() throws {
        let dimension = 8
        var values = [Float](repeating: 1, count: 200 * dimension)
        values[3 * dimension] = .nan
        values[5 * dimension] = .infinity
        for k in 0..<dimension { values[7 * dimension + k] = 3e19 }
        for some in [
            values, Array(repeating: 0, count: 200 * dimension), values.map { $0 * 1e-30 },
        ] {
            let base = try VectorRows(some, dimension: dimension)
            for metric in [Metric.l2, .innerProduct] {
                let index = FlatIndex(base, metric: metric)
                let found = try index.search(base, k: 5, threads: 2)
                let expected = try Self.oneByOne(index, base, k: 5, SearchParameters())
                #expect(found.labels == expected.labels)
                #expect(found.distances.map(\.bitPattern) == expected.distances)
            }
        }
    }
}

@Suite("Graphs that are built by several threads")
struct GraphBuildTests {
    @Test("are those of one thread, and find what is near")
    func threads() throws {
        var generator = SeededGenerator(seed: 21)
        let base = try VectorRows(generator.floats(9000 * 12), dimension: 12)
        let queries = try VectorRows(generator.floats(50 * 12), dimension: 12)
        for metric in [Metric.l2, .innerProduct] {
            var indexes: [any VectorIndex] = []
            for threads in [1, 2, 3] {
                var builder = try IndexBuilder(
                    IndexDescription("HNSW16", dimension: 12, metric: metric))
                try builder.add(base, threads: threads)
                indexes.append(try builder.finished())
            }
            var parameters = SearchParameters()
            parameters.efSearch = 64
            let exact = try FlatIndex(base, metric: metric).search(queries, k: 10)
            let found = try indexes.map { try $0.search(queries, k: 10, parameters: parameters) }
            #expect(found[1] == found[0] && found[2] == found[0])
            let near = (0..<50).reduce(0) { sum, query in
                let places = query * 10..<(query + 1) * 10
                return sum + Set(exact.labels[places]).intersection(found[0].labels[places]).count
            }
            #expect(near >= 490, "\(metric): \(near) of 500")
        }
    }
}

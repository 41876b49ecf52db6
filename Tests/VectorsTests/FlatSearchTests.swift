import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Flat search")
struct FlatSearchTests {
    /// Values between 0 and 1, with which every metric is defined.
    static func values(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: 0.01...0.99, using: &generator) }
    }

    /// A metric by its formula, in doubles.
    static func distance(_ x: [Double], _ y: [Double], _ metric: Metric, _ p: Double) -> Double {
        let pairs = Array(zip(x, y))
        func sum(_ term: (Double, Double) -> Double) -> Double {
            pairs.reduce(0) { $0 + term($1.0, $1.1) }
        }
        switch metric {
        case .innerProduct: return sum { $0 * $1 }
        case .l2: return sum { ($0 - $1) * ($0 - $1) }
        case .l1: return sum { abs($0 - $1) }
        case .linf: return pairs.map { abs($0 - $1) }.max() ?? 0
        case .lp: return sum { pow(abs($0 - $1), p) }
        case .canberra: return sum { abs($0 - $1) / (abs($0) + abs($1)) }
        case .brayCurtis: return sum { abs($0 - $1) } / sum { abs($0 + $1) }
        case .jensenShannon:
            return sum { a, b in
                let mean = (a + b) / 2
                return (a * log(a / mean) + b * log(b / mean)) / 2
            }
        case .jaccard: return sum { min($0, $1) } / sum { max($0, $1) }
        case .nanEuclidean: return sum { ($0 - $1) * ($0 - $1) }
        case .gower: return sum { abs($0 - $1) } / Double(x.count)
        }
    }

    @Test(
        "Works when 1: finds what sorting all distances finds", arguments: Metric.allCases,
        [1, 3, 16, 33])
    func allMetrics(_ metric: Metric, _ dimension: Int) throws {
        let stored = Self.values(70 * dimension, seed: 5)
        let asked = Self.values(5 * dimension, seed: 6)
        let rows = try VectorRows(stored, dimension: dimension)
        let index = FlatIndex(rows, metric: metric, metricArgument: 3)
        let queries = try VectorRows(asked, dimension: dimension)
        let found = try index.search(queries, k: 9)
        for query in 0..<5 {
            let x = queries.row(query).map { Double($0) }
            let all = (0..<70).map { row in
                Self.distance(x, rows.row(row).map { Double($0) }, metric, 3)
            }
            let sorted = all.sorted { metric.isSimilarity ? $0 > $1 : $0 < $1 }
            for place in 0..<9 {
                let distance = Double(found.distances[query * 9 + place])
                // Each term is rounded to 24 bits, and so is each partial sum.
                let tolerance = Double(dimension + 8) * 0x1p-23 * max(1, abs(sorted[place]))
                #expect(abs(distance - sorted[place]) <= tolerance)
                let label = Int(found.labels[query * 9 + place])
                #expect(abs(all[label] - distance) <= tolerance)
            }
        }
    }

    @Test(
        "Works when 1: pads with label -1 where fewer vectors are than asked for",
        arguments: Metric.allCases)
    func padding(_ metric: Metric) throws {
        let rows = try VectorRows([0.1, 0.2, 0.3, 0.4], dimension: 2)
        let index = FlatIndex(rows, metric: metric, metricArgument: 3)
        let found = try index.search(try VectorRows([0.1, 0.1], dimension: 2), k: 4)
        #expect(found.labels.suffix(2) == [-1, -1])
        #expect(found.distances[3] == metric.missingDistance)
        #expect(Set(found.labels.prefix(2)) == [0, 1])
    }

    @Test("gives nothing for k = 0, and refuses less")
    func noneWanted() throws {
        let index = FlatIndex(try VectorRows([1, 2], dimension: 2), metric: .l2)
        let query = try VectorRows([0, 0, 1, 1], dimension: 2)
        #expect(try index.search(query, k: 0).labels.isEmpty)
        #expect(throws: VectorSearchError.negativeK(-1)) { try index.search(query, k: -1) }
        #expect(throws: VectorSearchError.self) { try index.search(query, k: .max) }
    }

    @Test("finds nothing in an empty index")
    func empty() throws {
        let index = FlatIndex(try VectorRows([], dimension: 3), metric: .innerProduct)
        let found = try index.search(try VectorRows([1, 2, 3], dimension: 3), k: 2)
        #expect(found.labels == [-1, -1])
    }

    @Test("finds nothing for a query that is not a number, and the rest for others")
    func notANumber() throws {
        let index = FlatIndex(try VectorRows([1, 2, 3, 4], dimension: 2), metric: .l2)
        let found = try index.search(try VectorRows([.nan, 1, 1, 2], dimension: 2), k: 1)
        #expect(found.labels == [-1, 0])
    }

    @Test("orders equal distances by label")
    func ties() throws {
        let rows = try VectorRows(Array(repeating: 1, count: 40), dimension: 2)
        let index = FlatIndex(rows, metric: .l2)
        let found = try index.search(try VectorRows([0, 0], dimension: 2), k: 6)
        #expect(found.labels == [0, 1, 2, 3, 4, 5])
    }

    @Test("refuses queries of another dimension and parameters that do not apply")
    func misuse() throws {
        let index = FlatIndex(try VectorRows([1, 2], dimension: 2), metric: .l2)
        #expect(throws: VectorSearchError.wrongDimension(found: 3, expected: 2)) {
            try index.search(try VectorRows([1, 2, 3], dimension: 3), k: 1)
        }
        var parameters = SearchParameters()
        parameters.nprobe = 3
        #expect(throws: VectorSearchError.parameterDoesNotApply("nprobe", accepted: ["sel"])) {
            try index.search(
                try VectorRows([1, 2], dimension: 2), k: 1, parameters: parameters)
        }
        #expect(throws: VectorSearchError.self) { try VectorRows([1, 2, 3], dimension: 2) }
    }

    @Test("finds the same on any number of threads", arguments: [2, 3, 64])
    func threads(_ threads: Int) throws {
        let index = FlatIndex(
            try VectorRows(Self.values(90 * 5, seed: 8), dimension: 5), metric: .l2)
        let queries = try VectorRows(Self.values(11 * 5, seed: 9), dimension: 5)
        #expect(
            try index.search(queries, k: 7, threads: threads) == index.search(queries, k: 7))
        var parameters = SearchParameters()
        parameters.nflip = 1
        #expect(throws: VectorSearchError.self) {
            try index.search(queries, k: 7, parameters: parameters, threads: threads)
        }
    }
}

import FathomTestSupport
import FathomVectors
import Testing

/// "Works when" 6 and 7: distances that tables of product quantizers add up.
@Suite("Distances of product codes")
struct ProductDistanceTests {
    let rows: VectorRows
    let queries: VectorRows

    init() throws {
        rows = try BuiltIndex(count: 600, dimension: 20).rows
        queries = try BuiltIndex(count: 7, dimension: 20, seed: 72).rows
    }

    private func index(_ factory: String, _ metric: Metric) throws -> any VectorIndex {
        var builder = try IndexBuilder(IndexDescription(factory, dimension: 20, metric: metric))
        try builder.train(rows)
        try builder.add(rows)
        return try builder.finished()
    }

    /// A metric in doubles, and the sum of the sizes of its terms.
    private func distance(
        _ x: some Collection<Float>, _ y: some Collection<Float>, _ metric: Metric
    ) -> (value: Double, size: Double) {
        zip(x, y).reduce(into: (0, 0)) { sum, pair in
            let (a, b) = (Double(pair.0), Double(pair.1))
            let term = metric == .l2 ? (a - b) * (a - b) : a * b
            sum.0 += term
            sum.1 += abs(term)
        }
    }

    /// An index like another one whose lists hold codes of the vectors themselves.
    ///
    /// No factory string gives one, so the byte of the file that says so is changed.
    private func withoutResiduals(_ index: any VectorIndex) throws -> any VectorIndex {
        var bytes = try IndexFile.vectors(index).bytes()
        // Header and counts of the lists, the flat index of 6 centroids, the empty direct map.
        let place = (4 + 33 + 16) + (4 + 33 + 8 + 6 * 20 * 4) + 9
        try #require(bytes[place] == 1)
        bytes[place] = 0
        var changed = try #require(try IndexFile.read(bytes).vectorIndex)
        try changed.reset()
        try changed.add(rows)
        return changed
    }

    @Test(
        "Works when 6: lists of product codes give the distance to what a code stands for",
        arguments: [Metric.l2, .innerProduct], [true, false])
    func listedDistances(_ metric: Metric, _ isResidual: Bool) throws {
        let residual = try index("IVF6,PQ5x6", metric)
        let index = isResidual ? residual : try withoutResiduals(residual)
        if !isResidual {
            // The same vectors have other codes then.
            #expect(try index.reconstruct(5) != residual.reconstruct(5))
        }
        var parameters = SearchParameters()
        parameters.nprobe = 6
        parameters.usePrecomputedTable = -1
        let without = try index.search(queries, k: 600, parameters: parameters)
        parameters.usePrecomputedTable = 1
        let with = try index.search(queries, k: 600, parameters: parameters)
        for (a, b) in zip(with.distances, without.distances) {
            #expect(abs(a - b) <= 1e-4 * max(1, abs(b)))
        }
        let vectors = try index.reconstruct((0..<600).map { Int64($0) })
        for query in 0..<queries.count {
            let places = query * 600..<(query + 1) * 600
            #expect(Set(without.labels[places]) == Set(0..<600))
            for place in places {
                let expected = distance(
                    queries.row(query), vectors.row(Int(without.labels[place])), metric)
                #expect(
                    abs(Double(without.distances[place]) - expected.value)
                        <= 1e-4 * max(1, expected.size))
            }
        }
    }

    @Test(
        "Works when 7: distances of fast scan are off by no more than the rounding of its tables",
        arguments: ["PQ4x4fs", "PQ5x4fs", "PQ10x4fs_64"], [Metric.l2, .innerProduct])
    func roundedTables(_ factory: String, _ metric: Metric) throws {
        let index = try index(factory, metric)
        let size = try #require(index.codeByteCount)
        let parts = factory.hasPrefix("PQ10") ? 10 : factory.hasPrefix("PQ5") ? 5 : 4
        #expect(size == (parts + 1) / 2)
        // The 16 centroids of all parts: what codes of one number again and again stand for.
        let centroids = try index.decode(
            (0..<16).flatMap { number in
                (0..<size).map { byte in
                    UInt8(2 * byte + 1 < parts ? number << 4 | number : number)
                }
            })
        let vectors = try index.reconstructAll()
        let found = try index.search(queries, k: 600)
        let width = 20 / parts
        for query in 0..<queries.count {
            let x = queries.row(query)
            var (largest, sum) = (0.0, 0.0)
            for part in 0..<parts {
                let columns = part * width..<(part + 1) * width
                let entries = (0..<16).map { number in
                    distance(x[columns], centroids.row(number)[columns], metric).value
                }
                let span = (entries.max() ?? 0) - (entries.min() ?? 0)
                largest = max(largest, span)
                sum += span
            }
            let scale = min(255 / largest, 65535 / sum)
            for place in query * 600..<(query + 1) * 600 {
                let exact = distance(x, vectors.row(Int(found.labels[place])), metric)
                // Each entry is off by half a step; floats are rounded to 24 bits beside.
                let bound = Double(parts) / (2 * scale) + 0x1p-20 * exact.size
                #expect(abs(Double(found.distances[place]) - exact.value) <= bound)
            }
        }
    }
}

import FathomTestSupport
import FathomVectors
import Testing

/// "Works when" 12: what signs and two factors tell of a product.
@Suite("RaBitQ codes")
struct SignEstimateTests {
    @Test("Works when 12: over random rotations the estimated products are right on average")
    func unbiased() throws {
        let (dimension, count) = (32, 40)
        var generator = SeededGenerator(seed: 12)
        let rows = try VectorRows(generator.floats(count * dimension), dimension: dimension)
        // A query near to some of the vectors: products that a wrong factor would change.
        let query = try VectorRows(
            (0..<dimension).map { rows.row(3)[$0] + rows.row(7)[$0] }, dimension: dimension)
        var errors: [Double] = []
        var sizes = 0.0
        for seed: UInt32 in 0..<60 {
            let rotation = Orthogonal.randomRotation(
                inputDimension: dimension, outputDimension: dimension, seed: seed)
            func rotated(_ rows: VectorRows) throws -> VectorRows {
                try VectorRows(
                    (0..<rows.count).flatMap { row in
                        let x = rows.row(row)
                        return (0..<dimension).map { i in
                            (0..<dimension).reduce(Float(0)) {
                                $0 + rotation[i * dimension + $1] * x[$1]
                            }
                        }
                    }, dimension: dimension)
            }
            var builder = try IndexBuilder(
                IndexDescription("RaBitQ", dimension: dimension, metric: .innerProduct))
            try builder.train(rotated(rows))
            try builder.add(rotated(rows))
            var parameters = SearchParameters()
            parameters.qb = 0
            let found = try builder.finished().search(
                rotated(query), k: count, parameters: parameters)
            for (label, estimate) in zip(found.labels, found.distances) {
                let exact = zip(query.row(0), rows.row(Int(label))).reduce(0.0) {
                    $0 + Double($1.0) * Double($1.1)
                }
                // Those that the query was made of: their error must not follow their size.
                if label == 3 || label == 7 {
                    errors.append(Double(estimate) - exact)
                    sizes += exact
                }
            }
        }
        #expect(errors.count == 120)
        let mean = errors.reduce(0, +) / 120
        let variance = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 119
        // A mean of 120 draws is this far off once in 15,000 times; the seeds are fixed.
        #expect(abs(mean) <= 4 * (variance / 120).squareRoot())
        // A factor that is off by an eighth would show.
        #expect(4 * (variance / 120).squareRoot() < sizes / 120 / 8)
    }

    @Test("Works when 12: signs and factors are the bytes of Faiss for its centre")
    func bytes() throws {
        // Codes of 400 vectors, then the centre and the bits of queries.
        let file = try Fixtures.bytes("faiss/rabitq_2bit/index.faiss")
        let index = try #require(try IndexFile.read(file).vectorIndex)
        let size = try #require(index.codeByteCount)
        #expect(index.count == 400)
        let expected = Array(file.dropLast(8 + 64 * 4 + 1).suffix(400 * size))
        let rows = try FaissVectors.first("C")
        let codes = try index.encode(rows)
        #expect(codes.count == rows.count * size)
        func factor(_ bytes: [UInt8], _ place: Int) -> Float {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Float.self) }
        }
        for row in 0..<rows.count {
            let signs = row * size..<row * size + 8
            #expect(codes[signs] == expected[signs], "row \(row)")
            for place in [signs.upperBound, signs.upperBound + 4] {
                let (a, b) = (factor(codes, place), factor(expected, place))
                #expect(abs(a - b) <= 1e-5 * abs(b), "row \(row): \(a) for \(b)")
            }
        }
    }
}

import FathomVectors
import Testing

@Suite("Training of sums of codebook entries")
struct AdditiveTrainingTests {
    private let rows: VectorRows
    private let training: VectorRows

    init() throws {
        rows = try TrainingFixture.rows("xb")
        training = try TrainingFixture.rows("xt")
    }

    private func built(
        _ factory: String, _ rows: VectorRows, _ metric: Metric = .l2, threads: Int = 1
    ) throws -> any VectorIndex {
        var builder = try IndexBuilder(
            IndexDescription(factory, dimension: rows.dimension, metric: metric))
        try builder.train(training, threads: threads)
        try builder.add(rows, threads: threads)
        return try builder.finished()
    }

    /// Vectors without any order, for which nothing but more entries helps.
    private let noise = VectorRows(
        checked: FlatSearchTests.values(2000 * 16, seed: 8), dimension: 16)

    /// The mean squared distance of what an index of vectors gives back.
    private func loss(_ factory: String, _ rows: VectorRows) throws -> Double {
        var builder = try IndexBuilder(IndexDescription(factory, dimension: rows.dimension))
        try builder.train(rows == noise ? noise : training, threads: 2)
        try builder.add(rows, threads: 2)
        let index = try builder.finished()
        let decoded = try index.reconstruct((0..<Int64(rows.count)).map { $0 })
        let squares = zip(rows.values, decoded.values).reduce(0.0) {
            $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
        }
        return squares / Double(rows.count)
    }

    /// What quantizers lose that Faiss trained on the same vectors.
    @Test(
        "loses no more than Faiss does",
        arguments: [
            ("RQ2x4", 15.7816), ("RQ4x4", 10.4490), ("RQ6x4", 8.1009), ("RQ1x8_2x6", 7.5056),
            ("LSQ2x4", 11.4736), ("LSQ4x4", 9.3460), ("LSQ6x4", 6.7310), ("PRQ2x3x4", 10.4018),
            ("PLSQ2x3x4", 8.2189), ("RQ4x4fs_Nrq2x4", 10.4490), ("IVF16,RQ4x4", 8.4417),
            ("IVF16,LSQ4x4_Nqint8", 8.2309), ("IVF16,RQ4x4fsr_Nrq2x4", 8.4417),
        ])
    func loss(factory: String, faiss: Double) throws {
        #expect(try loss(factory, rows) <= 1.03 * faiss)
    }

    @Test(
        "Works when 10: loses less with more codebooks",
        arguments: ["RQ", "LSQ", "PRQ2x", "PLSQ2x"])
    func codebooks(family: String) throws {
        let losses = try [1, 2, 4, 6].map { try loss("\(family)\($0)x4", noise) }
        for (fewer, more) in zip(losses, losses.dropFirst()) { #expect(more < fewer) }
    }

    @Test("Works when 10: loses no more with a wider beam, less when codebooks are fitted again")
    func beams() throws {
        func loss(
            beam: Int, encoding: Int? = nil, refinements: Int = 0, isProgressive: Bool = true
        ) throws -> Double {
            try ResidualTraining(
                dimension: 16, bits: [4, 4, 4, 4, 4, 4], beamSize: beam,
                isProgressive: isProgressive, refinementCount: refinements
            ).loss(
                of: noise, trainedOn: noise, encodingBeam: encoding, BuildWork(threads: 2))
        }
        let narrow = try loss(beam: 1)
        let wide = try loss(beam: 5)
        #expect(wide <= narrow)
        #expect(try loss(beam: 5, encoding: 1) > wide)
        #expect(try loss(beam: 1, encoding: 5) < narrow)
        #expect(try loss(beam: 5, refinements: 3) < wide)
        #expect(try loss(beam: 5, isProgressive: false) < 1.1 * wide)
    }

    private static let all = [
        "RQ3x4", "RQ1x6_2x3_Nfloat", "LSQ3x4_Nqint8", "PRQ2x2x4_Nqint4", "PLSQ2x2x4_Ncqint8",
        "RQ3x4fs_Nrq2x4", "LSQ3x4fs_64_Nlsq2x4", "PRQ2x2x4fs_Nlsq2x4", "PLSQ2x2x4fs_Nrq2x4",
        "IVF4,RQ3x4_Ncqint4", "IVF4,LSQ3x4_Nlsq2x4", "IVF4,PRQ2x2x4", "IVF4,PLSQ2x2x4_Nrq2x4",
        "IVF4,RQ3x4fsr_Nrq2x4", "IVF4,LSQ3x4fs_Nlsq2x4", "IVF4,PRQ2x2x4fsr_Nrq2x4",
        "IVF4,PLSQ2x2x4fs_64_Nlsq2x4",
    ]

    @Test("depends neither on the threads nor on the vectors beside one", arguments: all)
    func determinism(factory: String) throws {
        let some = rows.gathering(0..<60)
        let one = try built(factory, some)
        let three = try built(factory, some, threads: 3)
        let bytes = try IndexFile.vectors(one).bytes()
        #expect(try bytes == IndexFile.vectors(three).bytes())
        var single = try built(factory, rows.gathering(0..<0))
        for row in 0..<60 { try single.add(rows.gathering([row])) }
        #expect(try bytes == IndexFile.vectors(single).bytes())
    }

    /// Distances without norms are to the vectors as they are given back; those of codes in blocks
    /// leave out the norm of the query and are rounded.
    @Test("searches by the norms that codes have", arguments: all)
    func norms(factory: String) throws {
        let index = try built(factory, rows.gathering(0..<500))
        let query = training.gathering([3])
        var parameters = SearchParameters()
        if factory.hasPrefix("IVF") { parameters.nprobe = 4 }
        let found = try index.search(query, k: 10, parameters: parameters)
        let norm = factory.contains("fs") ? query.values.reduce(0) { $0 + $1 * $1 } : 0
        // Norms of 4 bits, and sums of 8 bits a part, are coarse.
        let isCoarse = factory.contains("int4") || factory.contains("fs")
        for (label, distance) in zip(found.labels, found.distances) {
            let vector = try index.reconstruct(label)
            let exact = zip(query.values, vector).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(abs(distance + norm - exact) <= (isCoarse ? 0.08 : 0.03) * (exact + 40))
        }
    }

    @Test("refuses too few vectors by their number")
    func tooFew() throws {
        for factory in ["RQ2x8", "LSQ2x8", "RQ2x4_Ncqint8", "PRQ2x2x8"] {
            var builder = try IndexBuilder(IndexDescription(factory, dimension: 32))
            let error = #expect(throws: TrainingError.self) {
                try builder.train(training.gathering(0..<100))
            }
            guard case .tooFewVectors(100, 256, _) = try #require(error) else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test("cuts a line where the squares are least")
    func line() {
        let numbers: [Float] = [5, 1, 9, 1.5, 5.25, 30, 2, 9.5, 29, 8]
        func loss(_ centers: [Float]) -> Float {
            numbers.reduce(0) { sum, number in
                sum + (centers.map { ($0 - number) * ($0 - number) }.min() ?? 0)
            }
        }
        // Every way to cut the sorted numbers into four.
        let sorted = numbers.sorted()
        var best = Float.infinity
        for a in 1..<8 {
            for b in a + 1..<9 {
                for c in b + 1..<10 {
                    let parts = [sorted[..<a], sorted[a..<b], sorted[b..<c], sorted[c...]]
                    best = min(best, loss(parts.map { $0.reduce(0, +) / Float($0.count) }))
                }
            }
        }
        let centers = LineClusters.centers(of: numbers, count: 4)
        #expect(centers == centers.sorted() && centers.count == 4)
        #expect(abs(loss(centers) - best) < 1e-4)
        #expect(LineClusters.centers(of: numbers, count: 10) == sorted)
        #expect(LineClusters.centers(of: [2, 4], count: 1) == [3])
    }

    @Test("solves its systems", arguments: [1, 7, 64, 65, 200])
    func systems(size: Int) {
        let noise = FlatSearchTests.values(size * size, seed: 4)
        var matrix = [Double](repeating: 0, count: size * size)
        for i in 0..<size {
            for j in 0..<size {
                matrix[i * size + j] =
                    (0..<size).reduce(i == j ? 0.1 : 0) {
                        $0 + Double(noise[i * size + $1]) * Double(noise[j * size + $1])
                    }
            }
        }
        let expected = FlatSearchTests.values(size * 3, seed: 6).map(Double.init)
        var right = [Double](repeating: 0, count: size * 3)
        for i in 0..<size {
            for column in 0..<3 {
                for k in 0..<size {
                    right[i * 3 + column] += matrix[i * size + k] * expected[k * 3 + column]
                }
            }
        }
        var other = (matrix: matrix, right: right)
        PositiveSystem.solve(&matrix, size: size, &right, columns: 3, threads: 1)
        PositiveSystem.solve(
            &other.matrix, size: size, &other.right, columns: 3, threads: 3)
        #expect(right == other.right)
        for (found, wanted) in zip(right, expected) { #expect(abs(found - wanted) < 1e-6) }
    }
}

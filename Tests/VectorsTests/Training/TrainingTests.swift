import FathomCheckpoints
import FathomJSON
import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

/// Vectors and numbers of Faiss for tests of training.
enum TrainingFixture {
    static func rows(_ name: String, _ file: String = "vectors") throws -> VectorRows {
        let tensor = try Fixtures.tensors("faiss-training/\(file).safetensors").tensor(name)
        return try VectorRows(tensor.floatArray(), dimension: tensor.shape.sizes[1])
    }

    static func floats(_ name: String, _ file: String) throws -> [Float] {
        try Fixtures.tensors("faiss-training/\(file).safetensors").tensor(name).floatArray()
    }

    static func integers(_ name: String, _ file: String) throws -> [Int] {
        try Fixtures.tensors("faiss-training/\(file).safetensors").tensor(name).withBytes { bytes in
            bytes.withMemoryRebound(to: Int32.self) { $0.map { Int($0) } }
        }
    }

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Fixtures.bytes("faiss-training/\(name).json"))
    }
}

@Suite struct TrainingTests {
    @Test(arguments: [7, 42, 1234] as [UInt32])
    func randomNumbersAreThoseOfFaiss(seed: UInt32) throws {
        #expect(
            FaissRandom.permutation(300, seed: seed)
                == (try TrainingFixture.integers("rand_perm_\(seed)", "rng")))
        for count in [300, 1500] {
            let name = count == 300 ? "float_randn300_\(seed)" : "float_randn_\(seed)"
            let expected = try TrainingFixture.floats(name, "rng")
            let found = FaissRandom.normal(count, seed: seed)
            #expect(expected.count == count && found.count == count)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
        }
        var random = FaissRandom(seed: seed)
        let floats = try TrainingFixture.floats("rg_float_\(seed)", "rng")
        #expect(floats.count == 50)
        #expect(floats.allSatisfy { $0 == random.float() })
    }

    @Test(arguments: [7, 42, 1234] as [UInt32])
    func randomRotationsAreThoseOfFaiss(seed: UInt32) throws {
        // Names say output x input in one of the two orders; the shape tells.
        for name in ["rrot_7x12_\(seed)", "rrot_9x6_\(seed)"] {
            let expected = try TrainingFixture.rows(name, "rng")
            let found = Orthogonal.randomRotation(
                inputDimension: expected.dimension, outputDimension: expected.count, seed: seed)
            try #require(found.count == expected.values.count)
            #expect(zip(found, expected.values).allSatisfy { abs($0 - $1) < 1e-5 }, "\(name)")
        }
    }

    @Test(
        "Works when 4: one thread finds the centroids of Faiss, also of a sample and after splits")
    func centroids() throws {
        let vectors = try TrainingFixture.rows("xt")
        let runs = try #require(try TrainingFixture.json("kmeans")["runs"]?.arrayValue)
        #expect(runs.count == 10)
        for run in runs {
            let name = try #require(run["name"]?.stringValue)
            let parameters = try #require(run["params"])
            var settings = KMeans.Settings()
            settings.iterationCount = try #require(parameters["niter"]?.intValue)
            settings.attemptCount = parameters["nredo"]?.intValue ?? 1
            settings.seed = UInt32(parameters["seed"]?.intValue ?? 1234)
            settings.isSpherical = parameters["spherical"]?.boolValue ?? false
            // Faiss assigns by the inner product then.
            if settings.isSpherical { settings.metric = .innerProduct }
            settings.hasIntegerCentroids = parameters["int_centroids"]?.boolValue ?? false
            settings.maximumPointsPerCentroid = try #require(
                parameters["max_points_per_centroid"]?.intValue)
            let file = try Fixtures.tensors("faiss-training/kmeans.safetensors")
            let first =
                file.names.contains(name + ".init")
                ? try TrainingFixture.rows(name + ".init", "kmeans") : nil
            let weights =
                file.names.contains(name + ".weights")
                ? try TrainingFixture.floats(name + ".weights", "kmeans") : nil
            var reported = 0
            // Integers are only sensible for larger components.
            let scale: Float = settings.hasIntegerCentroids ? 10 : 1
            let points = try VectorRows(
                vectors.values.map { $0 * scale }, dimension: vectors.dimension)
            let clusters = try KMeans(centroidCount: 16, settings: settings)
                .train(points, weights: weights, startingFrom: first) { _ in reported += 1 }
            let expected = try TrainingFixture.rows(name + ".centroids", "kmeans")
            try #require(clusters.centroids.values.count == expected.values.count)
            #expect(
                zip(clusters.centroids.values, expected.values).allSatisfy {
                    abs($0 - $1) <= 1e-4 * max(1, abs($1))
                }, "\(name)")
            let objectives = try TrainingFixture.floats(name + ".obj", "kmeans")
            #expect(clusters.iterations.count == objectives.count, "\(name)")
            #expect(reported >= objectives.count)
            for (iteration, objective) in zip(clusters.iterations, objectives) {
                #expect(abs(iteration.objective - objective) <= 1e-4 * abs(objective), "\(name)")
            }
            let splits = try TrainingFixture.integers(name + ".nsplit", "kmeans")
            #expect(clusters.iterations.map(\.splitCount) == splits, "\(name)")
        }
    }

    @Test func kMeansRefusesWhatItCannotDo() throws {
        let rows = try VectorRows([1, 2, 3, 4], dimension: 2)
        #expect(
            throws: TrainingError.tooFewVectors(found: 2, needed: 3, purpose: "3 centroids")
        ) { try KMeans(centroidCount: 3).train(rows) }
        let broken = try VectorRows([1, 2, .nan, 4], dimension: 2)
        #expect(throws: TrainingError.notFinite(row: 1)) {
            try KMeans(centroidCount: 1).train(broken)
        }
        #expect(throws: TrainingError.self) { try KMeans(centroidCount: 0).train(rows) }
    }

    @Test func eigenvectorsDiagonalizeAMatrix() throws {
        let size = 40
        var generator = SeededGenerator(seed: 3)
        let rows = VectorRows(checked: generator.floats(60 * size), dimension: size)
        let matrix = rows.products(with: rows)
        let (values, vectors) = SymmetricEigen.decompose(matrix, size: size)
        #expect(values == values.sorted(by: >))
        let scale = values[0]
        for number in 0..<size {
            let vector = Array(vectors[number * size..<(number + 1) * size])
            for row in 0..<size {
                let product = (0..<size).reduce(0.0) { $0 + matrix[row * size + $1] * vector[$1] }
                #expect(abs(product - values[number] * vector[row]) < 1e-10 * scale)
            }
        }
    }

    @Test func theNearestRotationOfARankDeficientMatrixIsARotation() throws {
        let size = 6
        let matrix = (0..<size * size).map { $0 % size < 2 ? Double(($0 * 7) % 5) - 2 : 0 }
        let rotation = Orthogonal.nearest(to: matrix, rowCount: size, columnCount: size)
        for i in 0..<size {
            for j in 0..<size {
                let product = (0..<size).reduce(0.0) {
                    $0 + rotation[$1 * size + i] * rotation[$1 * size + j]
                }
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-12)
            }
        }
    }

    @Test("Works when 11: each round of a sign rotation loses less")
    func signRotation() throws {
        var rotation = SignRotation(32, 16, usesPrincipalComponents: true)
        try rotation.train(try TrainingFixture.rows("xt"), BuildWork())
        #expect(rotation.losses.count == 51)
        for (before, after) in zip(rotation.losses, rotation.losses.dropFirst()) {
            #expect(after <= before * (1 + 1e-6))
        }
    }

    @Test("Works when 11: an optimized rotation lowers the error of product codes")
    func optimizedRotation() throws {
        // Components that belong together are in different parts.
        let rows = try TrainingFixture.rows("xt").sample(600)
        let mixed = VectorRows(
            checked: (0..<rows.count).flatMap { row -> [Float] in
                let x = rows.row(row)
                return (0..<16).flatMap { [x[$0 % 4] * 3, x[$0]] }
            }, dimension: 32)
        func loss(_ rows: VectorRows) throws -> Float {
            var quantizer = TrainableProductQuantizer(dimension: 32, partCount: 4, bits: 8)
            try quantizer.train(rows, KMeans.Settings(), BuildWork())
            let decoded = quantizer.decode(quantizer.numbers(of: rows))
            return zip(rows.values, decoded.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        var rotation = OptimizedRotation(32, 32, partCount: 4)
        try rotation.train(mixed, BuildWork())
        #expect(try loss(rotation.apply(mixed)) < 0.9 * loss(mixed))
    }

    @Test("Works when 7: codes packed in blocks come back", arguments: [32, 64], [4, 5])
    func blocks(_ rows: Int, _ partCount: Int) {
        let blocks = FastScanBlocks(partCount: partCount, rows: rows)
        var generator = SeededGenerator(seed: 9)
        let numbers = (0..<100 * partCount).map { _ in UInt32(generator.next() % 16) }
        let packed = blocks.packed(numbers)
        #expect(packed.count == (100 + rows - 1) / rows * blocks.stride)
        packed.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for row in 0..<100 {
                for part in 0..<partCount {
                    #expect(
                        blocks.number(base, row: row, part: part)
                            == Int(numbers[row * partCount + part]))
                }
            }
        }
    }
}

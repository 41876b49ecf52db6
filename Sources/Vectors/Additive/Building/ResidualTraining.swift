#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the codebooks of a residual quantizer one after the other, each for what those before it
/// leave of the vectors.
///
/// Sources: Chen, Guan, Wang, "Approximate nearest neighbor search by residual vector
/// quantization", 2010; Liu, Lu, Shao, "Improved residual vector quantization for high-dimensional
/// approximate nearest neighbor search", 2015; settings of Faiss.
package struct ResidualTraining: Sendable {
    let dimension: Int
    /// Bits of the numbers of each codebook.
    let bits: [Int]
    /// Sums of each vector that are followed.
    let beamSize: Int
    /// Whether k-means begins with the first principal components and takes in ever more.
    let isProgressive: Bool
    /// How often all codebooks together are fitted to the codes in the end.
    let refinementCount: Int

    private static let progressiveSteps = 10
    /// What keeps fitted entries that few vectors have near where they were.
    private static let stiffness = 1e-2

    package init(
        dimension: Int, bits: [Int], beamSize: Int = 5, isProgressive: Bool = true,
        refinementCount: Int = 0
    ) {
        precondition(beamSize > 0 && !bits.isEmpty)
        self.dimension = dimension
        self.bits = bits
        self.beamSize = beamSize
        self.isProgressive = isProgressive
        self.refinementCount = refinementCount
    }

    /// The flags of Faiss.
    private var trainType: Int32 { (isProgressive ? 1 : 0) + (refinementCount > 0 ? 2 : 0) }

    func quantizer(_ codebooks: [Float]) -> AdditiveQuantizer {
        AdditiveQuantizer(
            dimension: dimension, bits: bits, codebooks: codebooks,
            .residual(trainType: trainType, beamSize: Int32(beamSize)))
    }

    func train(_ rows: VectorRows, _ work: BuildWork) throws(TrainingError) -> AdditiveQuantizer {
        var beams = (0..<rows.count).map { row in
            ResidualBeam(rows.values[row * dimension..<(row + 1) * dimension])
        }
        var codebooks: [Float] = []
        for (book, width) in bits.enumerated() {
            let rests = VectorRows(checked: beams.flatMap(\.rests), dimension: dimension)
            let codebook = try clusters(rests, count: 1 << width, work)
            codebooks += codebook
            if book + 1 < bits.count {
                let (before, limit) = (beams, beamSize)
                beams = QueryThreads.map(rows.count, threads: work.threads, pieces: 4) { part in
                    codebook.withUnsafeBufferPointer { entries in
                        part.map { row in
                            var beam = before[row]
                            if let base = entries.baseAddress {
                                beam.extend(by: base, size: 1 << width, limit: limit)
                            }
                            return beam
                        }
                    }
                }.flatMap { $0 }
            }
            work.report(
                TrainingProgress(
                    stage: "residual codebooks", completed: book + 1, total: bits.count))
        }
        for _ in 0..<refinementCount { codebooks = refined(codebooks, rows, work) }
        return quantizer(codebooks)
    }

    /// The mean squared distance of vectors from the sums that stand for them.
    ///
    /// - Parameter beam: sums that are followed to encode; nil for as many as in training.
    package func loss(
        of rows: VectorRows, trainedOn training: VectorRows, encodingBeam beam: Int? = nil,
        _ work: BuildWork
    ) throws -> Double {
        let codebooks = try train(training, work).codebooks
        let quantizer = AdditiveQuantizer(
            dimension: dimension, bits: bits, codebooks: codebooks,
            .residual(trainType: trainType, beamSize: Int32(beam ?? beamSize)))
        let decoded = quantizer.vectors(decoding: try quantizer.encode(rows))
        let squares = zip(rows.values, decoded.values).reduce(0.0) {
            $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
        }
        return squares / Double(max(1, rows.count))
    }

    /// One codebook: `[count, dimension]`.
    private func clusters(
        _ rows: VectorRows, count: Int, _ work: BuildWork
    ) throws(TrainingError) -> [Float] {
        var settings = KMeans.Settings()
        settings.iterationCount = 10
        let means = KMeans(centroidCount: count, settings: settings)
        guard isProgressive else {
            return try means.train(rows, threads: work.threads).centroids.values
        }
        guard rows.count >= count else {
            throw .tooFewVectors(
                found: rows.count, needed: count, purpose: "\(count) entries of a codebook")
        }
        let (map, sample) = try principal(
            rows, rows.sample(settings.maximumPointsPerCentroid * count, seed: settings.seed))
        var centroids: VectorRows?
        for step in 1...Self.progressiveSteps {
            let size = Int(
                pow(Double(dimension), Double(step) / Double(Self.progressiveSteps)))
            let first = centroids.map { $0.widened(to: size) }
            centroids = try means.train(
                sample.columns(0..<size), startingFrom: first, threads: work.threads
            ).centroids
        }
        guard let centroids else { return [] }
        return map.undo(centroids).values
    }

    /// All principal components of rows, and a sample in them.
    private func principal(
        _ rows: VectorRows, _ sample: VectorRows
    ) throws(TrainingError) -> (LinearMap, VectorRows) {
        guard rows.count >= dimension else {
            // Too few to say how they vary: components as they are.
            var same = LinearMap(dimension, dimension)
            same.matrix = (0..<dimension * dimension).map { $0 % (dimension + 1) == 0 ? 1 : 0 }
            same.bias = Array(repeating: 0, count: dimension)
            return (same, sample)
        }
        var components = PrincipalComponents(dimension, dimension)
        try components.train(rows, BuildWork())
        return (components.map, components.apply(sample))
    }

    /// The codebooks that fit the codes of vectors best, near those that gave the codes.
    private func refined(
        _ codebooks: [Float], _ rows: VectorRows, _ work: BuildWork
    ) -> [Float] {
        let quantizer = quantizer(codebooks)
        guard let encoder = try? AdditiveEncoder(quantizer) else { return codebooks }
        let dimension = dimension
        let parts = QueryThreads.map(rows.count, threads: work.threads, pieces: 4) { part in
            part.flatMap { row in
                encoder.numbers(of: rows.values[row * dimension..<(row + 1) * dimension])
                    .map { Int32($0) }
            }
        }
        let fit = CodebookFit(
            dimension: dimension, offsets: quantizer.offsets, stiffness: Self.stiffness)
        return fit.fitted(Array(parts.joined()), rows, around: codebooks, threads: work.threads)
    }
}

extension VectorRows {
    /// Each row with zeros behind it.
    fileprivate func widened(to size: Int) -> VectorRows {
        guard size > dimension else { return self }
        let zeros = [Float](repeating: 0, count: size - dimension)
        return VectorRows(checked: (0..<count).flatMap { row($0) + zeros }, dimension: size)
    }
}

extension LinearMap {
    /// The vectors that an orthonormal map takes to some: Aᵀ (y − b).
    fileprivate func undo(_ rows: VectorRows) -> VectorRows {
        var transposed = LinearMap(outputDimension, inputDimension)
        transposed.matrix = (0..<inputDimension * outputDimension).map {
            matrix[$0 % outputDimension * inputDimension + $0 / outputDimension]
        }
        return transposed.apply(rows.subtracting(bias))
    }
}

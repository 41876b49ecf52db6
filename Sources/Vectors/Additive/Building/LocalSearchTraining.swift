#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the codebooks of a local-search quantizer: codes and codebooks in turn, with noise on the
/// codebooks that grows less.
///
/// Source: Martinez, Zakhmi, Hoos, Little, "LSQ++", 2018; settings of Faiss.
package struct LocalSearchTraining: Sendable {
    let dimension: Int
    /// M.
    let bookCount: Int
    let bits: Int
    /// Rounds.
    let roundCount: Int

    private static let encodingRounds = 16
    private static let refiningRounds = 8
    private static let sweepCount = 4
    /// How fast the noise grows less.
    private static let coolingPower: Float = 0.5
    private static let stiffness: Float = 1e-2
    private static let chunkSize = 10_000
    private static let seed: UInt32 = 0x12345

    package init(dimension: Int, bookCount: Int, bits: Int, roundCount: Int = 25) {
        precondition(bookCount > 0 && bookCount << bits <= LocalSearch.entryLimit)
        self.dimension = dimension
        self.bookCount = bookCount
        self.bits = bits
        self.roundCount = roundCount
    }

    private var entryCount: Int { 1 << bits }
    private var perturbationCount: Int { min(4, bookCount) }

    func quantizer(_ codebooks: [Float]) -> AdditiveQuantizer {
        AdditiveQuantizer(
            dimension: dimension, bits: Array(repeating: bits, count: bookCount),
            codebooks: codebooks,
            .localSearch(
                AdditiveQuantizer.LocalSearchSettings(
                    sizes: [
                        entryCount, roundCount, Self.encodingRounds, Self.refiningRounds,
                        Self.sweepCount,
                    ].map { UInt64($0) }, p: Self.coolingPower, lambda: Self.stiffness,
                    chunkSize: UInt64(Self.chunkSize), seed: Int32(bitPattern: Self.seed),
                    perturbations: UInt64(perturbationCount), usesDoubles: true)))
    }

    func train(_ rows: VectorRows, _ work: BuildWork) throws(TrainingError) -> AdditiveQuantizer {
        guard rows.count >= entryCount else {
            throw .tooFewVectors(
                found: rows.count, needed: entryCount,
                purpose: "\(entryCount) entries of a codebook")
        }
        let deviations = deviations(rows)
        let fit = CodebookFit(
            dimension: dimension, offsets: (0...bookCount).map { $0 * entryCount },
            stiffness: Double(Self.stiffness))
        var random = SplitMix64(state: UInt64(Self.seed))
        var numbers = (0..<rows.count * bookCount).map { _ in
            Int32(random.next() % UInt64(entryCount))
        }
        var codebooks: [Float] = []
        for round in 0..<roundCount {
            codebooks = fit.fitted(numbers, rows, threads: work.threads)
            let share = 1 - Float(round + 1) / Float(roundCount)
            perturb(&codebooks, by: pow(share, Self.coolingPower), deviations, round)
            numbers = improved(numbers, rows, codebooks, round, work)
            work.report(
                TrainingProgress(
                    stage: "local-search codebooks", completed: round + 1, total: roundCount))
        }
        return quantizer(codebooks)
    }

    /// The standard deviation of each component.
    private func deviations(_ rows: VectorRows) -> [Float] {
        let mean = rows.mean()
        var squares = [Float](repeating: 0, count: dimension)
        for row in 0..<rows.count {
            for i in 0..<dimension {
                let value = rows.values[row * dimension + i] - mean[i]
                squares[i] += value * value
            }
        }
        return squares.map { ($0 / Float(rows.count)).squareRoot() }
    }

    private func perturb(
        _ codebooks: inout [Float], by temperature: Float, _ deviations: [Float], _ round: Int
    ) {
        guard temperature > 0 else { return }
        let noise = FaissRandom.normal(codebooks.count, seed: Self.seed &+ UInt32(round))
        for i in codebooks.indices {
            codebooks[i] +=
                temperature * deviations[i % dimension] * noise[i] / Float(bookCount)
        }
    }

    /// The codes of the vectors, from those that they had.
    private func improved(
        _ numbers: [Int32], _ rows: VectorRows, _ codebooks: [Float], _ round: Int,
        _ work: BuildWork
    ) -> [Int32] {
        let search = LocalSearch(
            codebooks: codebooks, dimension: dimension, bookCount: bookCount,
            entryCount: entryCount, sweepCount: Self.sweepCount,
            perturbationCount: perturbationCount)
        let (bookCount, dimension) = (bookCount, dimension)
        return QueryThreads.map(rows.count, threads: work.threads, pieces: 4) { part in
            rows.values.withUnsafeBufferPointer { values -> [Int32] in
                var found: [Int32] = []
                for row in part {
                    guard let base = values.baseAddress else { return [] }
                    var own = Array(numbers[row * bookCount..<(row + 1) * bookCount])
                    var random = SplitMix64(
                        state: UInt64(Self.seed) &+ UInt64(round) << 40 &+ UInt64(row) << 8)
                    search.improve(
                        &own, of: base + row * dimension, rounds: Self.refiningRounds, &random)
                    found += own
                }
                return found
            }
        }.flatMap { $0 }
    }
}

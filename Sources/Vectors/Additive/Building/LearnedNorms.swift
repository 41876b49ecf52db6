/// How the norms of vectors are rounded to the bits that a code has for them.
struct LearnedNorms: Sendable {
    /// The smallest and the largest.
    var range: [Float] = [0, 0]
    /// Norms by code.
    var norms: [Float] = []
    /// Two tables of 16 whose entries add up to a norm.
    var tables: [Float] = []

    init() {}

    /// - Parameter norms: squared norms of training vectors.
    /// - Throws: `TrainingError` if there are fewer than what is learned tells apart.
    init(
        _ norms: [Float], for type: AdditiveQuantizer.SearchType, _ work: BuildWork
    ) throws(TrainingError) {
        guard let least = norms.min(), let largest = norms.max() else {
            throw .tooFewVectors(found: 0, needed: 1, purpose: "the range of norms")
        }
        range = [least, largest]
        let rows = VectorRows(checked: norms, dimension: 1)
        let quiet = BuildWork(threads: work.threads)
        switch type {
        case .normCode8, .normCode4:
            let count = type == .normCode8 ? 256 : 16
            guard norms.count >= count else {
                throw .tooFewVectors(
                    found: norms.count, needed: count, purpose: "\(count) codes of norms")
            }
            self.norms = LineClusters.centers(of: rows.sample(256 * count).values, count: count)
        case .normResidual2x4:
            tables = try ResidualTraining(dimension: 1, bits: [4, 4])
                .train(rows, quiet).codebooks
        case .normLocalSearch2x4:
            tables = try LocalSearchTraining(dimension: 1, bookCount: 2, bits: 4)
                .train(rows, quiet).codebooks
        default: break
        }
        if !tables.isEmpty {
            self.norms = (0..<256).map { tables[$0 % 16] + tables[16 + $0 / 16] }
        }
    }
}

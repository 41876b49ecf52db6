/// Trains the quantizer that a description asks for.
struct AdditiveTraining: Sendable {
    let dimension: Int
    let description: AdditiveDescription

    private var partDimension: Int { dimension / (description.partCount ?? 1) }
    private var searchType: AdditiveQuantizer.SearchType { description.norm.searchType }

    /// The quantizer before training.
    var untrained: AdditiveQuantizer {
        let part: AdditiveQuantizer
        switch description.family {
        case .residual:
            part = ResidualTraining(dimension: partDimension, bits: description.bits)
                .quantizer([])
        case .localSearch:
            part = localSearch.quantizer([])
        }
        return whole(Array(repeating: part, count: description.partCount ?? 1), LearnedNorms())
    }

    private var localSearch: LocalSearchTraining {
        LocalSearchTraining(
            dimension: partDimension, bookCount: description.bits.count,
            bits: description.bits.first ?? 1)
    }

    private func whole(_ parts: [AdditiveQuantizer], _ norms: LearnedNorms) -> AdditiveQuantizer {
        AdditiveQuantizer(
            dimension: dimension, bits: description.allBits,
            codebooks: parts.flatMap(\.codebooks),
            description.partCount == nil ? parts[0].kind : .product(parts),
            searchType: searchType, norms: norms)
    }

    func train(_ rows: VectorRows, _ work: BuildWork) throws(TrainingError) -> AdditiveQuantizer {
        var parts: [AdditiveQuantizer] = []
        for part in 0..<(description.partCount ?? 1) {
            let columns = rows.columns(part * partDimension..<(part + 1) * partDimension)
            switch description.family {
            case .residual:
                parts.append(
                    try ResidualTraining(dimension: partDimension, bits: description.bits)
                        .train(columns, work))
            case .localSearch:
                parts.append(try localSearch.train(columns, work))
            }
        }
        return try normed(whole(parts, LearnedNorms()), rows, around: nil, work)
    }

    /// The quantizer with norms learned from what it makes of vectors.
    ///
    /// - Parameter centers: what belongs to each vector beside its code.
    func normed(
        _ quantizer: AdditiveQuantizer, _ rows: VectorRows, around centers: VectorRows?,
        _ work: BuildWork
    ) throws(TrainingError) -> AdditiveQuantizer {
        // As files of Faiss do, even those that need no norms have their range.
        let encoder: AdditiveEncoder
        do { encoder = try AdditiveEncoder(quantizer) } catch {
            throw .badSetting("the quantizer", found: "\(error)", expected: "one that encodes")
        }
        let dimension = dimension
        let norms = QueryThreads.map(rows.count, threads: work.threads, pieces: 4) { part in
            var sum = [Float](repeating: 0, count: dimension)
            return part.map { row -> Float in
                let numbers = encoder.numbers(
                    of: rows.values[row * dimension..<(row + 1) * dimension])
                quantizer.decode(into: &sum) { numbers[$0] }
                if let centers {
                    for i in 0..<dimension { sum[i] += centers.values[row * dimension + i] }
                }
                return RowDistances.squaredNorm(sum, dimension)
            }
        }.flatMap { $0 }
        return AdditiveQuantizer(
            dimension: dimension, bits: quantizer.bits, codebooks: quantizer.codebooks,
            quantizer.kind, searchType: searchType,
            norms: try LearnedNorms(norms, for: searchType, work))
    }
}

package import FathomTensors

/// Losses that keep experts evenly used.
///
/// With s the scores of E experts, of which a token takes K, f the share of tokens that take an
/// expert times E / K, and P an expert's mean score, each is the balance factor times a sum of f P;
/// no gradient flows through f.
public enum BalanceLoss: String, Sendable, Hashable, CaseIterable {
    /// Over each sequence, then their mean (DeepSeek-V2's `seq_aux`).
    case sequence = "seq"
    /// Over all tokens (DeepSeekMoE, equation 12).
    case batch
    /// Over groups of experts on one device: mean f times the sum of P (DeepSeekMoE, equation 15).
    case device
    /// Over the same groups, f counting the tokens sent to a device (DeepSeek-V2, equation 29).
    case communication = "comm"
    /// Over each sequence with scores divided by their sum and f from the K largest raw scores
    /// (DeepSeek-V3, equation 17, as printed).
    case sequenceByScore = "seq_paper"
    /// The same with the experts that were chosen, groups and bias included.
    case sequenceByChoice = "seq_actual"

    /// Devices that share the experts, for the losses that ask.
    static let deviceCount = 2

    /// The loss of one layer.
    ///
    /// - Parameters:
    ///   - scores: `[T, E]`.
    ///   - experts: the chosen ones, `[T · K]`.
    ///   - sequences: the rows of each sequence.
    package func callAsFunction(
        scores: Tensor, experts: [Int32], sequences: [Range<Int>],
        _ configuration: ExpertConfiguration
    ) -> Tensor {
        let (tokens, count) = (scores.shape[0], configuration.selection.expertCount)
        let perToken = configuration.selection.perToken
        let whole = [0..<tokens]
        let choices: [Int32]
        let values: Tensor
        switch self {
        case .sequenceByScore:
            choices = ExpertSelection(expertCount: count, perToken: perToken).choose(
                scores.detached())
            values = normalizedRows(scores, epsilon: 0)
        case .sequenceByChoice:
            (choices, values) = (experts, normalizedRows(scores, epsilon: 0))
        default:
            (choices, values) = (experts, scores)
        }
        let ranges: [Range<Int>]
        switch self {
        case .sequence, .sequenceByScore, .sequenceByChoice: ranges = sequences
        case .batch, .device, .communication: ranges = whole
        }
        var factors = [Float](repeating: 0, count: tokens * count)
        for range in ranges where !range.isEmpty {
            let chosen = choices[(range.lowerBound * perToken)..<(range.upperBound * perToken)]
            let loads = loads(Array(chosen), tokens: range.count, configuration.selection)
            let scale = configuration.balanceFactor / Float(ranges.count * range.count)
            for token in range {
                for expert in 0..<count { factors[token * count + expert] = scale * loads[expert] }
            }
        }
        return weightedSum(values, factors)
    }

    /// What each expert's mean score is multiplied by.
    private func loads(_ chosen: [Int32], tokens: Int, _ selection: ExpertSelection) -> [Float] {
        let (count, perToken) = (selection.expertCount, selection.perToken)
        var loads = [Float](repeating: 0, count: count)
        for expert in chosen { loads[Int(expert)] += 1 }
        for expert in loads.indices { loads[expert] *= Float(count) / Float(perToken * tokens) }
        guard self == .device || self == .communication else { return loads }
        // Experts left over when they do not divide evenly belong to no device.
        let size = count / Self.deviceCount
        var shared = [Float](repeating: 0, count: count)
        for device in 0..<Self.deviceCount {
            let members = (device * size)..<((device + 1) * size)
            var load: Float = 0
            if self == .device {
                load = members.reduce(0) { $0 + loads[$1] } / Float(size)
            } else {
                for token in 0..<tokens {
                    let own = chosen[(token * perToken)..<((token + 1) * perToken)]
                    if own.contains(where: { members.contains(Int($0)) }) { load += 1 }
                }
                load *= Float(Self.deviceCount) / Float(tokens)
            }
            for expert in members { shared[expert] = load }
        }
        return shared
    }
}

/// A model some of whose layers are mixtures of experts.
public protocol ExpertModel: CausalModel {
    var expertConfiguration: ExpertConfiguration { get }
}

extension DeepSeekModel: ExpertModel {
    public var expertConfiguration: ExpertConfiguration { configuration.experts }
}

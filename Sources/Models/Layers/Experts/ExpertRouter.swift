import FathomCheckpoints
import FathomTensors

/// What a router decided for the `T` tokens of a pass.
struct Routing {
    /// The chosen experts, `[T · K]`, rising within a token.
    let experts: [Int32]
    /// Their weights `[T, K]`.
    let weights: Tensor
    /// The scores of all experts `[T, E]`.
    let scores: Tensor
    /// The logits the scores were made from `[T, E]`.
    let logits: Tensor
}

/// Scores the experts for every token and chooses; all in F32, since a choice flips easily.
struct ExpertRouter: Sendable {
    private let gate: Linear
    private let selectionBias: Tensor?
    private let configuration: ExpertConfiguration

    init(_ parameters: ParameterScope, _ configuration: ExpertConfiguration, hiddenSize: Int) {
        let count = configuration.selection.expertCount
        gate = Linear(parameters, from: hiddenSize, to: count)
        selectionBias =
            configuration.hasSelectionBias
            ? parameters.vector("e_score_correction_bias", count: count) : nil
        self.configuration = configuration
    }

    /// Routes the rows of `x` `[T, C]`.
    func callAsFunction(_ x: Tensor) -> Routing {
        let logits = gate(x)
        let scores = configuration.scoring == .softmax ? softmax(logits) : sigmoid(logits)
        let experts = configuration.selection.choose(scores, bias: selectionBias)
        var weights = elements(experts, perRow: configuration.selection.perToken, of: scores)
        // DeepSeek-V3's code; it guards against scores that are all zero.
        if configuration.normalizesWeights { weights = normalizedRows(weights, epsilon: 1e-20) }
        if configuration.weightScale != 1 { weights = weights * configuration.weightScale }
        return Routing(experts: experts, weights: weights, scores: scores, logits: logits)
    }
}

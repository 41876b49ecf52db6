import FathomCheckpoints
public import FathomTensors

/// A model that predicts the token after the next one as well.
public protocol TokenPredictingModel: CausalModel {
    /// Whether the checkpoint has a layer for it.
    var predictsFurtherTokens: Bool { get }

    /// The hidden states `[T, C]` from which `logits` gives the token after the next.
    ///
    /// Row i is made from the main model's hidden state of position i and the token at position
    /// i + 1, so `tokens` is the batch shifted by one. Uses the caches of the batch.
    ///
    /// - Parameters:
    ///   - hiddenStates: what `hiddenStates(_:observe:)` gave for the same positions.
    ///   - batch: the same ranges and caches with the tokens one further on.
    func furtherStates(_ hiddenStates: Tensor, _ batch: Batch) -> Tensor
}

extension TokenPredictingModel {
    /// The logits for the token after the next one, and which rows belong to each sequence of the
    /// pass.
    ///
    /// - Parameters:
    ///   - hiddenStates: what the pass gave.
    ///   - following: the token after offset `1` of the range of sequence `0`; `nil` at the end of
    ///     a sequence, whose last position then gets no row.
    public func furtherLogits(
        _ hiddenStates: Tensor, _ batch: Batch, following: (Int, Int) -> Int32?
    ) -> (logits: Tensor, ranges: [Range<Int>]) {
        var shifted = Batch()
        var kept: [Int32] = []
        for (number, sequence) in batch.sequences.enumerated() {
            let tokens = sequence.range.indices.compactMap { row in
                following(number, row - sequence.range.lowerBound)
            }
            kept += sequence.range.prefix(tokens.count).map { Int32($0) }
            shifted.append(
                tokens, cache: sequence.cache, firstPosition: sequence.firstPosition)
        }
        let ranges = shifted.sequences.map(\.range)
        guard !kept.isEmpty else { return (.zeros([0, vocabularySize]), ranges) }
        return (logits(furtherStates(rows(kept, of: hiddenStates), shifted)), ranges)
    }
}

/// The multi-token-prediction layer of DeepSeek-V3 (arXiv 2412.19437, section 2.2).
///
/// It has a decoder layer and norms of its own; embedding and head are the main model's, of which
/// the published checkpoints hold copies.
struct TokenPredictor: Sendable {
    private let embeddingNorm, hiddenNorm, finalNorm: RMSNorm
    private let projection: Linear
    private let layer: DeepSeekLayer

    init(
        _ layers: ParameterScope, _ configuration: DeepSeekConfiguration, form: LatentAttentionForm
    ) {
        let number = configuration.layerCount
        let (size, epsilon) = (configuration.hiddenSize, configuration.normEpsilon)
        let parameters = layers[number]
        embeddingNorm = RMSNorm(parameters["enorm"], size: size, epsilon: epsilon)
        hiddenNorm = RMSNorm(parameters["hnorm"], size: size, epsilon: epsilon)
        projection = Linear(parameters["eh_proj"], from: 2 * size, to: size)
        layer = DeepSeekLayer(parameters, configuration, form: form, layer: number)
        finalNorm = RMSNorm(parameters["shared_head"]["norm"], size: size, epsilon: epsilon)
    }

    /// - Parameters:
    ///   - hiddenStates: of the main model, after its final norm, `[T, C]`.
    ///   - embedded: the embeddings of the following tokens, `[T, C]`.
    func callAsFunction(_ hiddenStates: Tensor, _ embedded: Tensor, _ pass: ForwardPass) -> Tensor {
        // The checkpoints' order is the reverse of the paper's equation 21.
        let joined = joinHeads(embeddingNorm(embedded), hiddenNorm(hiddenStates), headCount: 1)
        return finalNorm(layer(projection(joined), pass))
    }
}

extension DeepSeekModel: TokenPredictingModel {
    public var predictsFurtherTokens: Bool { predictor != nil }

    public func furtherStates(_ hiddenStates: Tensor, _ batch: Batch) -> Tensor {
        guard let predictor else { preconditionFailure("the checkpoint has no prediction layer") }
        return predictor(
            hiddenStates, ends.embed(batch.tokenIDs), pass(batch, nil))
    }
}

package import FathomModels
package import FathomTensors
import Synchronization

/// Runs one sequence through a model: prefills its prompt, then decodes token by token.
///
/// Used on one thread at a time. The cache may hold the beginning of the prompt already.
package final class SequenceDecoder {
    private let model: any CausalModel
    package let cache: PagedCache
    private let chunkSize: Int
    /// Throws if the work should stop: cancelled, or the weights were damaged.
    private let checkpoint: () throws -> Void

    /// The model, if it has a layer that predicts the token after the next and it is wanted.
    private let predictor: (any TokenPredictingModel)?
    /// The hidden states of the positions that this layer has not run yet: all from
    /// `cache.predictedCount` on.
    private var waiting: Tensor?

    /// Prompt tokens in one pass, unless told otherwise.
    package static let standardChunk = 512

    package init(
        _ model: any CausalModel, cache: PagedCache, chunkSize: Int = standardChunk,
        predicts: Bool = false, checkpoint: @escaping () throws -> Void = {}
    ) {
        self.model = model
        self.cache = cache
        self.chunkSize = max(1, chunkSize)
        self.checkpoint = checkpoint
        let predictor = (model as? any TokenPredictingModel).flatMap {
            predicts && $0.predictsFurtherTokens ? $0 : nil
        }
        // A cache filled without predictions lacks the layer's rows; one filled with them lacks
        // only that of the last position, whose hidden state is gone.
        let isComplete = cache.count == 0 || cache.predictedCount == cache.count - 1
        self.predictor = isComplete ? predictor : nil
        if self.predictor != nil, cache.count > 0 { cache.stepBack() }
    }

    /// Runs all of `tokens` that the cache does not hold, and gives the last position's logits.
    ///
    /// - Precondition: the cache holds a proper beginning of `tokens`.
    package func prefill(_ tokens: [Int32]) throws -> [Float] {
        var logits: [Float] = []
        while cache.count < tokens.count {
            try checkpoint()
            let end = min(tokens.count, cache.count + chunkSize)
            let hidden = try run(Array(tokens[cache.count..<end]))
            if end == tokens.count {
                let last = hidden.shape[0] - 1
                logits = model.logits(hidden[rows: last..<(last + 1)]).floatArray()
            }
            _ = try runPredictor(tokens)
        }
        return logits
    }

    /// Runs a few tokens and gives the logits of every one of them.
    package func step(_ tokens: [Int32]) throws -> Tensor {
        try checkpoint()
        return model.logits(try run(tokens))
    }

    /// Forgets the positions from `length` on.
    package func truncate(to length: Int) {
        cache.truncate(to: length)
        guard let rows = waiting else { return }
        let kept = max(0, length - cache.predictedCount)
        waiting = kept == 0 ? nil : rows[rows: 0..<min(kept, rows.shape[0])]
    }

    /// A guess of the token that follows `tokens`, of which the cache holds all but the last.
    ///
    /// `nil` if the model has no layer for it, or it gives no number.
    func predict(after tokens: [Int32]) throws -> Int32? {
        guard predictor != nil, tokens.count == cache.count + 1 else { return nil }
        guard let state = try runPredictor(tokens) else { return nil }
        return try? Sampler.largest(of: model.logits(state).floatArray())
    }

    /// Runs the prediction layer for all positions whose following token is known, and gives the
    /// last one's state.
    private func runPredictor(_ tokens: [Int32]) throws -> Tensor? {
        guard let predictor, let rows = waiting else { return nil }
        let first = cache.predictedCount
        let count = min(rows.shape[0], tokens.count - 1 - first)
        guard count > 0 else { return nil }
        try checkpoint()
        var batch = Batch()
        batch.append(
            tokens[(first + 1)..<(first + 1 + count)], cache: cache, firstPosition: first)
        let states = predictor.furtherStates(rows[rows: 0..<count], batch)
        cache.advancePrediction(count)
        waiting = count == rows.shape[0] ? nil : rows[rows: count..<rows.shape[0]]
        return states[rows: (count - 1)..<count]
    }

    private func run(_ tokens: [Int32]) throws -> Tensor {
        try cache.reserve(tokens.count)
        let hidden = model.hiddenStates(Batch(tokens, cache: cache), observe: nil)
        cache.advance(tokens.count)
        if predictor != nil { waiting = joinRows((waiting.map { [$0] } ?? []) + [hidden]) }
        return hidden
    }
}

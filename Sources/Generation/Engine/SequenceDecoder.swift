import FathomModels
import FathomTensors
import Synchronization

/// Runs one sequence through a model: prefills its prompt, then decodes token by token.
///
/// Used on one thread at a time. The cache may hold the beginning of the prompt already.
final class SequenceDecoder {
    private let model: any CausalModel
    let cache: PagedCache
    private let chunkSize: Int
    /// Throws if the work should stop: cancelled, or the weights were damaged.
    private let checkpoint: () throws -> Void

    /// Prompt tokens in one pass, unless told otherwise.
    static let standardChunk = 512

    init(
        _ model: any CausalModel, cache: PagedCache, chunkSize: Int = standardChunk,
        checkpoint: @escaping () throws -> Void = {}
    ) {
        self.model = model
        self.cache = cache
        self.chunkSize = max(1, chunkSize)
        self.checkpoint = checkpoint
    }

    /// Runs all of `tokens` that the cache does not hold, and gives the last position's logits.
    ///
    /// - Precondition: the cache holds a proper beginning of `tokens`.
    func prefill(_ tokens: [Int32]) throws -> [Float] {
        var logits: [Float] = []
        while cache.count < tokens.count {
            try checkpoint()
            let end = min(tokens.count, cache.count + chunkSize)
            let hidden = try run(Array(tokens[cache.count..<end]))
            if end == tokens.count {
                let last = hidden.shape[0] - 1
                logits = model.logits(hidden[rows: last..<(last + 1)]).floatArray()
            }
        }
        return logits
    }

    /// Runs a few tokens and gives the logits of every one of them.
    func step(_ tokens: [Int32]) throws -> Tensor {
        try checkpoint()
        return model.logits(try run(tokens))
    }

    private func run(_ tokens: [Int32]) throws -> Tensor {
        try cache.reserve(tokens.count)
        let hidden = model.hiddenStates(Batch(tokens, cache: cache), observe: nil)
        cache.advance(tokens.count)
        return hidden
    }
}

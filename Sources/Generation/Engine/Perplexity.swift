public import FathomModels
import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How well a model predicts a text: the mean negative log-likelihood of its tokens.
///
/// The text is cut into windows that do not overlap. In each, the first half gives context only
/// and the second half counts, so that no token is judged without context.
public struct Perplexity: Sendable {
    /// Sum of `-log p` of the counted tokens, in nats.
    public private(set) var negativeLogLikelihood = 0.0
    public private(set) var countedTokens = 0

    public init() {}

    /// `exp` of the mean.
    public var perplexity: Double {
        countedTokens == 0 ? .nan : exp(negativeLogLikelihood / Double(countedTokens))
    }

    /// Adds one window of tokens.
    ///
    /// - Precondition: ids of the model's vocabulary.
    public mutating func add(_ window: [Int32], model: any CausalModel) throws {
        guard window.count >= 2 else { return }
        let store = PageStore(model.cacheLayout, maximumBytes: .max / 2)
        let cache = PagedCache(store)
        try cache.reserve(window.count)
        let hidden = model.hiddenStates(Batch(window, cache: cache), observe: nil)
        let first = window.count / 2
        let rows = hidden[rows: first..<(window.count - 1)]
        let labels = Array(window[(first + 1)...])
        let loss = crossEntropy(model.logits(rows), labels: labels).floatArray()[0]
        negativeLogLikelihood += Double(loss) * Double(labels.count)
        countedTokens += labels.count
    }
}

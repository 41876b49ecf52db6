public import FathomModels
import FathomTensors

/// Measures a model's speed the way it is used: chunked prefill, greedy decoding over the cache.
public struct ModelBenchmark: Sendable {
    public var promptTokens = 512
    public var generateTokens = 128
    public var repetitions = 5
    /// Sequences that decode together.
    public var sequences = 1
    /// Tokens already in the cache where decoding starts.
    public var position = 0

    public init() {}

    /// Rates of all repetitions.
    public struct Result: Sendable {
        public fileprivate(set) var prefillTokensPerSecond: [Double] = []
        /// Over all sequences together.
        public fileprivate(set) var decodeTokensPerSecond: [Double] = []
        /// From the start of the first repetition to its first token.
        public fileprivate(set) var firstTokenSeconds = 0.0
    }

    /// Tokens of the last pass before anything is measured: enough to reach every expert.
    private static let warmUpTokens = 512

    /// Runs on the calling thread.
    ///
    /// The first prefill gives the time to the first token and is not among the repetitions, nor is a
    /// second: they bring weights into memory and into the form they are kept in. `llama-bench` warms
    /// up, too.
    ///
    /// - Throws: `GenerationError` if the cache cannot hold the sequences.
    public func run(_ model: any CausalModel) throws -> Result {
        var result = Result()
        let store = PageStore(
            model.cacheLayout, maximumBytes: LanguageModel.Options().cacheBytes)
        let clock = ContinuousClock()
        result.firstTokenSeconds = try warmUp(model, store, clock)
        for _ in 0..<max(1, repetitions) {
            var tokens = Tokens(vocabularySize: model.vocabularySize)
            if promptTokens > 0 {
                let decoder = SequenceDecoder(model, cache: PagedCache(store))
                let prompt = tokens.take(promptTokens)
                let start = clock.now
                let logits = try decoder.prefill(prompt)
                _ = try Sampler.largest(of: logits)
                result.prefillTokensPerSecond.append(
                    Double(promptTokens) / (clock.now - start).inSeconds)
            }
            if generateTokens > 0 {
                result.decodeTokensPerSecond.append(try decode(model, store, &tokens))
            }
        }
        return result
    }

    /// Gives the time of the first prefill.
    private func warmUp(_ model: any CausalModel, _ store: PageStore, _ clock: ContinuousClock)
        throws -> Double
    {
        let standard = min(Self.warmUpTokens, model.contextLength)
        var seconds: [Double] = []
        for count in [promptTokens > 0 ? promptTokens : standard, standard] {
            var tokens = Tokens(vocabularySize: model.vocabularySize)
            let decoder = SequenceDecoder(model, cache: PagedCache(store))
            let start = clock.now
            _ = try decoder.prefill(tokens.take(count))
            seconds.append((clock.now - start).inSeconds)
        }
        return seconds[0]
    }

    private func decode(_ model: any CausalModel, _ store: PageStore, _ tokens: inout Tokens)
        throws -> Double
    {
        let caches = (0..<max(1, sequences)).map { _ in PagedCache(store) }
        for cache in caches where position > 0 {
            _ = try SequenceDecoder(model, cache: cache).prefill(tokens.take(position))
        }
        var current = caches.map { _ in tokens.take(1)[0] }
        let clock = ContinuousClock()
        let start = clock.now
        for _ in 0..<generateTokens {
            var batch = Batch()
            for (cache, token) in zip(caches, current) {
                try cache.reserve(1)
                batch.append([token], cache: cache)
            }
            let logits = model.logits(model.hiddenStates(batch, observe: nil))
            for (index, cache) in caches.enumerated() {
                cache.advance(1)
                current[index] = try Sampler.largest(
                    of: logits[rows: index..<(index + 1)].floatArray())
            }
        }
        return Double(generateTokens * caches.count) / (clock.now - start).inSeconds
    }

    /// Tokens of no meaning, the same in every run.
    private struct Tokens {
        var generator = SplitMix64(state: 1)
        let vocabularySize: Int

        init(vocabularySize: Int) {
            self.vocabularySize = vocabularySize
        }

        mutating func take(_ count: Int) -> [Int32] {
            (0..<count).map { _ in Int32(generator.next() % UInt64(vocabularySize)) }
        }
    }
}

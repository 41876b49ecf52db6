import FathomTensors

/// A chosen token and how likely the model thought it.
public struct TokenChoice: Sendable, Hashable {
    public let token: Int32

    /// Natural logarithm of the token's probability under the unfiltered model; `nil` unless
    /// asked for.
    public let logProbability: Float?

    /// The likeliest tokens at this position, likeliest first.
    public let alternatives: [Alternative]

    public struct Alternative: Sendable, Hashable {
        public let token: Int32
        public let logProbability: Float
    }
}

/// Chooses tokens; the mutable state of one sequence's sampling is its random generator.
public struct Sampler: Sendable {
    public let parameters: SamplingParameters
    private var generator: SplitMix64

    /// Makes a sampler; without a seed it differs from run to run.
    public init(_ parameters: SamplingParameters) {
        self.parameters = parameters
        generator = SplitMix64(state: parameters.seed ?? UInt64.random(in: .min ... .max))
    }

    /// Chooses the next token from the logits of one position.
    ///
    /// - Parameters:
    ///   - history: the whole sequence so far, prompt included.
    ///   - promptCount: how many of its tokens are the prompt.
    ///   - alternatives: how many likeliest tokens to report; `nil` reports no probabilities.
    /// - Throws: `GenerationError.notANumber` if a logit is NaN or all are -infinity.
    public mutating func choose(
        from logits: [Float], history: [Int32], promptCount: Int, alternatives: Int? = nil
    ) throws -> TokenChoice {
        // Before any filter: they compare numbers, and a NaN could pass or be left out as unlikely.
        let likeliest = try Self.largest(of: logits)
        let token: Int32
        if parameters.isGreedy, !parameters.dependsOnHistory, parameters.logitBias.isEmpty {
            token = likeliest
        } else {
            var filtered = logits
            LogitsFilters.apply(
                parameters, to: &filtered, history: history,
                generated: history.dropFirst(promptCount))
            let best = try Self.largest(of: filtered)
            token = parameters.isGreedy ? best : draw(from: filtered, best: best)
        }
        guard let count = alternatives else {
            return TokenChoice(token: token, logProbability: nil, alternatives: [])
        }
        return Self.describe(token, in: logits, alternatives: count)
    }

    /// The index of the largest logit; the lowest of equals.
    static func largest(of logits: [Float]) throws -> Int32 {
        guard let best = indexOfLargest(logits), logits[best].isFinite else {
            let damaged = logits.firstIndex { $0.isNaN || $0 == .infinity }
            throw GenerationError.notANumber(token: damaged ?? -1)
        }
        return Int32(best)
    }

    private mutating func draw(from logits: [Float], best: Int32) -> Int32 {
        let probabilities = LogitsFilters.softmax(logits)
        var remaining = generator.nextUnitFloat()
        var last = best
        for index in probabilities.indices where probabilities[index] > 0 {
            remaining -= Double(probabilities[index])
            last = Int32(index)
            if remaining < 0 { break }
        }
        return last
    }

    static func describe(_ token: Int32, in logits: [Float], alternatives: Int) -> TokenChoice {
        let normaliser = logSumExp(logits)
        let order = topIndices(of: logits, count: alternatives)
        return TokenChoice(
            token: token, logProbability: logits[Int(token)] - normaliser,
            alternatives: order.map {
                .init(token: Int32($0), logProbability: logits[$0] - normaliser)
            })
    }

    private static func topIndices(of logits: [Float], count: Int) -> [Int] {
        guard count > 0 else { return [] }
        var best: [Int] = []
        for index in logits.indices {
            if best.count == count, let last = best.last, logits[index] <= logits[last] { continue }
            let place = best.firstIndex { logits[$0] < logits[index] } ?? best.count
            best.insert(index, at: place)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}

/// A small generator with 64 bits of state (Steele et al., 2014), enough to draw tokens.
struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A number from 0 up to but not including 1, with 53 random bits.
    mutating func nextUnitFloat() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}

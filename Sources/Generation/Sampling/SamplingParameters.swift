/// How the next token is chosen from the model's logits.
///
/// The defaults choose greedily. Filters apply in the order of the fields here, which is the
/// order of Hugging Face's `generate`; temperature 0 takes the largest logit whatever the filters.
public struct SamplingParameters: Sendable, Hashable {
    /// Divides positive and multiplies negative logits of tokens already seen, once each
    /// (Keskar et al., 2019); 1 changes nothing.
    public var repetitionPenalty: Float = 1

    /// Subtracted from the logit of every token already generated.
    public var presencePenalty: Float = 0

    /// Subtracted from a token's logit for every time it was generated.
    public var frequencyPenalty: Float = 0

    /// Added to the logits of single tokens.
    public var logitBias: [Int32: Float] = [:]

    /// No sequence of this many tokens occurs twice; 0 allows all.
    public var noRepeatNGramSize = 0

    /// Divides the logits; 0 is greedy.
    public var temperature: Float = 0

    /// Keeps the k largest logits and what ties with the k-th; 0 keeps all.
    public var topK = 0

    /// Keeps the smallest set of most likely tokens whose probability reaches this; 1 keeps all.
    public var topP: Float = 1

    /// Keeps tokens at least this fraction as likely as the likeliest; 0 keeps all.
    public var minP: Float = 0

    /// Keeps the tokens closest to the expected information up to this probability
    /// (Meister et al., 2023); 1 keeps all.
    public var typicalP: Float = 1

    /// Repeats a run: the same seed, prompt and parameters give the same tokens.
    public var seed: UInt64?

    public init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0,
        repetitionPenalty: Float = 1, seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.seed = seed
    }

    /// Whether the largest logit is taken.
    public var isGreedy: Bool { temperature == 0 }

    /// Whether logits are changed by what came before.
    var dependsOnHistory: Bool {
        repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
            || noRepeatNGramSize > 0
    }

    /// Refuses values that mean nothing.
    ///
    /// - Throws: `SamplingError` naming the first such field.
    public func validate(vocabularySize: Int) throws(SamplingError) {
        func check(_ holds: Bool, _ name: String, _ value: Float, _ rule: String)
            throws(SamplingError)
        {
            if !holds { throw SamplingError(parameter: name, value: "\(value)", rule: rule) }
        }
        try check(
            temperature >= 0 && temperature <= 100, "temperature", temperature,
            "it must be from 0 (greedy) to 100")
        try check(topP > 0 && topP <= 1, "top_p", topP, "it must be above 0 and at most 1")
        try check(minP >= 0 && minP <= 1, "min_p", minP, "it must be from 0 to 1")
        try check(
            typicalP > 0 && typicalP <= 1, "typical_p", typicalP,
            "it must be above 0 and at most 1")
        try check(
            repetitionPenalty > 0 && repetitionPenalty <= 100, "repetition_penalty",
            repetitionPenalty, "it must be above 0 and at most 100")
        try check(
            abs(presencePenalty) <= 100, "presence_penalty", presencePenalty,
            "it must be from -100 to 100")
        try check(
            abs(frequencyPenalty) <= 100, "frequency_penalty", frequencyPenalty,
            "it must be from -100 to 100")
        if topK < 0 {
            throw SamplingError(
                parameter: "top_k", value: "\(topK)", rule: "it must be 0 (all) or more")
        }
        if noRepeatNGramSize < 0 {
            throw SamplingError(
                parameter: "no_repeat_ngram_size", value: "\(noRepeatNGramSize)",
                rule: "it must be 0 (off) or more")
        }
        for (token, bias) in logitBias {
            guard token >= 0, Int(token) < vocabularySize else {
                throw SamplingError(
                    parameter: "logit_bias", value: "\(token)",
                    rule: "token ids go from 0 to \(vocabularySize - 1)")
            }
            guard bias.magnitude <= 1000 else {
                throw SamplingError(
                    parameter: "logit_bias", value: "\(bias)", rule: "it must be from -1000 to 1000"
                )
            }
        }
    }
}

/// A sampling parameter that means nothing.
public struct SamplingError: Error, Hashable, CustomStringConvertible {
    public let parameter: String
    public let value: String
    public let rule: String

    public var description: String { "\(parameter) is \(value); \(rule)" }
}

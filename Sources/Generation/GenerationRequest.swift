public import FathomText

/// What to generate: a prompt, how tokens are chosen, when to stop.
public struct GenerationRequest: Sendable, Hashable {
    /// The prompt's tokens, special ones included.
    public var prompt: [Int32]
    public var sampling: SamplingParameters

    /// Tokens to generate at most; `nil` goes on until the model stops or the context is full.
    public var maximumTokens: Int?

    /// Texts that end the answer; they are not part of it.
    public var stopStrings: [String] = []

    /// Tokens that end the answer; `nil` takes the tokenizer's.
    public var stopTokens: Set<Int32>?

    /// How many likeliest tokens to report at each position; `nil` reports no probabilities.
    public var alternatives: Int?

    /// Whether tokens are guessed and checked several at a time: what followed earlier in the same
    /// text, or else what the model's own prediction layer says. The output is the same either way.
    public var speculates = true

    /// Whether special tokens other than the stop token appear in the text.
    public var showsSpecialTokens = false

    /// How the model writes calls of tools; with `.none` they are text like any other.
    public var toolCalls = ToolCallFormat.none

    /// Where the answer begins; `nil` finds out from the prompt's tokens whether it is reasoning.
    public var opening: CompletionStream.Opening?

    public init(
        prompt: [Int32], sampling: SamplingParameters = .init(), maximumTokens: Int? = nil
    ) {
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
    }
}

/// One step of an answer, in the order in which they happen.
public enum GenerationEvent: Sendable, Hashable {
    /// More of the answer; always whole characters.
    case text(String)

    /// More of the reasoning that precedes the answer.
    case reasoning(String)

    /// A function the model wants called, once its call is whole. What looked like a call and was
    /// none is text.
    case toolCall(ToolCall)

    /// A token and its probabilities, if they were asked for.
    case token(TokenChoice)

    /// The end.
    case finished(Usage)
}

/// How an answer ended and what it took.
public struct Usage: Sendable, Hashable {
    public enum FinishReason: String, Sendable, Hashable {
        /// The model ended its answer.
        case stop
        /// A stop string was met.
        case stopString
        /// The number of tokens asked for was reached.
        case length
        /// The context is full.
        case contextFull
        case cancelled
    }

    public var finishReason = FinishReason.stop
    public var promptTokens = 0
    /// Prompt tokens that were already in the cache.
    public var cachedPromptTokens = 0
    public var completionTokens = 0
    /// Completion tokens that were reasoning.
    public var reasoningTokens = 0
    public var prefillSeconds = 0.0
    public var decodeSeconds = 0.0
    /// Tokens guessed by speculation, and those that were right.
    public var proposedTokens = 0
    public var acceptedTokens = 0

    public init() {}

    /// Generated tokens a second, the first one not counted.
    public var decodeTokensPerSecond: Double {
        decodeSeconds > 0 ? Double(max(0, completionTokens - 1)) / decodeSeconds : 0
    }

    public var prefillTokensPerSecond: Double {
        prefillSeconds > 0 ? Double(promptTokens - cachedPromptTokens) / prefillSeconds : 0
    }
}

/// Why a generation cannot start or go on.
public enum GenerationError: Error, Hashable, CustomStringConvertible {
    /// The prompt and the room asked for do not fit the context.
    case contextOverflow(promptTokens: Int, maximumTokens: Int, contextLength: Int)

    /// The context filled up while generating.
    case contextFull(contextLength: Int)

    /// The prompt has no token.
    case emptyPrompt

    /// A token id that the model's vocabulary does not have.
    case unknownToken(Int, vocabularySize: Int)

    /// The model produced logits that are not numbers; `token` is the first of them.
    case notANumber(token: Int)

    /// The cache cannot hold what was asked for.
    case outOfCacheMemory(neededBytes: Int, availableBytes: Int)

    public var description: String {
        switch self {
        case .contextOverflow(let prompt, let maximum, let context):
            maximum > 0
                ? "the prompt has \(prompt) tokens and \(maximum) more were asked for, but the "
                    + "context holds \(context); shorten the prompt or ask for fewer tokens"
                : "the prompt has \(prompt) tokens, but the context holds \(context); shorten it"
        case .contextFull(let context):
            "the context of \(context) tokens is full; start a new conversation or raise "
                + "the context length"
        case .emptyPrompt: "the prompt is empty; give at least one token"
        case .unknownToken(let id, let size):
            "token \(id) is not in the vocabulary, whose ids go from 0 to \(size - 1)"
        case .notANumber:
            "the model's logits are not numbers; its weights are damaged "
                + "(`fathom inspect --verify` finds where)"
        case .outOfCacheMemory(let needed, let available):
            "the cache needs \(needed >> 20) MiB and \(available >> 20) are left; use a shorter "
                + "context or fewer sequences"
        }
    }
}

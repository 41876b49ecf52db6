/// A piece of a prompt: text of the chat template, or content that somebody else wrote.
///
/// Special tokens are recognised in template text only. Whatever content says, it can only become
/// plain text, so a message that contains `<｜Assistant｜>` cannot speak for the assistant.
///
/// ```swift
/// let ids = tokenizer.encode([
///     .template("<｜User｜>"), .content(question), .template("<｜Assistant｜>"),
/// ])
/// ```
public enum PromptSegment: Sendable, Hashable {
    /// Text in which special tokens are recognised.
    case template(String)
    /// Text in which they never are.
    case content(String)

    /// The text of the piece, whichever kind it is.
    public var text: String {
        switch self {
        case .template(let text), .content(let text): text
        }
    }
}

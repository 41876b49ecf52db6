import FathomText

/// The tokens that begin and end a model's reasoning, if it has such.
///
/// Reasoning is told from the answer by these ids, never by their text: an answer that quotes
/// `</think>` in plain letters stays an answer.
struct ReasoningMarks: Sendable, Hashable {
    let begin: Int32
    let end: Int32

    init?(_ tokenizer: Tokenizer) {
        guard let begin = tokenizer.id(of: "<think>"), let end = tokenizer.id(of: "</think>")
        else { return nil }
        self.begin = begin
        self.end = end
    }

    /// Whether a prompt ends inside reasoning, as templates do that write `<think>` themselves.
    func isOpen(after prompt: [Int32]) -> Bool {
        for token in prompt.reversed() {
            if token == begin { return true }
            if token == end { return false }
        }
        return false
    }
}

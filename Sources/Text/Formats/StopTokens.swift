/// Tokens at which generation stops.
enum StopTokens {
    /// Names under which models end a text or a turn.
    private static let names = [
        "<｜end▁of▁sentence｜>", "<|EOT|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>",
        "<|endoftext|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|return|>", "<|call|>",
    ]

    /// The known ids and those of tokens with such a name, if content cannot become them.
    static func ids(
        in vocabulary: Vocabulary, reserved: TokenSet, known: [Int32?]
    ) -> Set<Int32> {
        var ids = Set(known.compactMap(\.self))
        for name in names {
            if let id = vocabulary.id(of: name.utf8), reserved.contains(id) { ids.insert(id) }
        }
        return ids
    }
}

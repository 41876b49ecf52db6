public import FathomCheckpoints
public import FathomText

extension Tokenizer {
    /// The tokenizer of a checkpoint: its folder's files or its GGUF metadata.
    public convenience init(_ checkpoint: Checkpoint) throws {
        switch checkpoint {
        case .folder(let folder): try self.init(contentsOf: folder.path)
        case .gguf(let file): try self.init(GGUFTokenizerMetadata(file.metadata))
        }
    }
}

extension GGUFTokenizerMetadata {
    /// Reads the `tokenizer.*` keys of a GGUF file.
    ///
    /// - Throws: `GGUFError` naming the key that is missing or of another type or length.
    public init(_ metadata: GGUFMetadata) throws {
        func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
        let tokens = try metadata.strings(key("tokens"))
        self.init(
            model: try metadata.string(key("model")),
            pre: try metadata.optionalString(key("pre")),
            tokens: tokens,
            scores: try metadata.optionalFloats(key("scores"), count: tokens.count),
            tokenTypes: try metadata.optionalInts(key("token_type"), count: tokens.count)?
                .map { Int32(clamping: $0) },
            merges: try metadata.optionalStrings(key("merges")),
            beginOfSequence: try metadata.optionalInt(key("bos_token_id")),
            endOfSequence: try metadata.optionalInt(key("eos_token_id")),
            endOfTurn: try metadata.optionalInt(key("eot_token_id")),
            unknown: try metadata.optionalInt(key("unknown_token_id")),
            padding: try metadata.optionalInt(key("padding_token_id")),
            addsBeginOfSequence: try metadata.optionalBool(key("add_bos_token")),
            addsEndOfSequence: try metadata.optionalBool(key("add_eos_token")),
            addsSpacePrefix: try metadata.optionalBool(key("add_space_prefix")),
            chatTemplate: try metadata.optionalString("tokenizer.chat_template"))
    }
}

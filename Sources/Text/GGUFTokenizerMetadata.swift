/// The values of a GGUF file's `tokenizer.*` keys.
public struct GGUFTokenizerMetadata: Sendable, Hashable {
    /// `tokenizer.ggml.model`: `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
    public var model: String
    /// `tokenizer.ggml.pre`: the name of the pre-tokenizer.
    public var pre: String?
    /// `tokenizer.ggml.tokens`
    public var tokens: [String]
    /// `tokenizer.ggml.scores`
    public var scores: [Float]?
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    public var tokenTypes: [Int32]?
    /// `tokenizer.ggml.merges`: two tokens separated by a space.
    public var merges: [String]?
    /// `tokenizer.ggml.bos_token_id`
    public var beginOfSequence: Int?
    /// `tokenizer.ggml.eos_token_id`
    public var endOfSequence: Int?
    /// `tokenizer.ggml.eot_token_id`
    public var endOfTurn: Int?
    /// `tokenizer.ggml.unknown_token_id`
    public var unknown: Int?
    /// `tokenizer.ggml.padding_token_id`
    public var padding: Int?
    /// `tokenizer.ggml.add_bos_token`
    public var addsBeginOfSequence: Bool?
    /// `tokenizer.ggml.add_eos_token`
    public var addsEndOfSequence: Bool?
    /// `tokenizer.ggml.add_space_prefix`
    public var addsSpacePrefix: Bool?
    /// `tokenizer.chat_template`
    public var chatTemplate: String?

    public init(
        model: String, pre: String? = nil, tokens: [String], scores: [Float]? = nil,
        tokenTypes: [Int32]? = nil, merges: [String]? = nil, beginOfSequence: Int? = nil,
        endOfSequence: Int? = nil, endOfTurn: Int? = nil, unknown: Int? = nil,
        padding: Int? = nil, addsBeginOfSequence: Bool? = nil, addsEndOfSequence: Bool? = nil,
        addsSpacePrefix: Bool? = nil, chatTemplate: String? = nil
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.scores = scores
        self.tokenTypes = tokenTypes
        self.merges = merges
        self.beginOfSequence = beginOfSequence
        self.endOfSequence = endOfSequence
        self.endOfTurn = endOfTurn
        self.unknown = unknown
        self.padding = padding
        self.addsBeginOfSequence = addsBeginOfSequence
        self.addsEndOfSequence = addsEndOfSequence
        self.addsSpacePrefix = addsSpacePrefix
        self.chatTemplate = chatTemplate
    }
}

/// Where the tokenizer files of a folder are; nil for those it does not have.
public struct TokenizerFiles: Sendable, Hashable {
    /// `tokenizer.json`
    public let tokenizer: String?
    /// `tokenizer.model`, of SentencePiece
    public let sentencePiece: String?
    /// `tokenizer_config.json`
    public let configuration: String?
    /// `special_tokens_map.json`
    public let specialTokens: String?
    /// `chat_template.jinja`
    public let chatTemplate: String?

    public init(_ files: FolderFiles) throws(ModelFolderError) {
        tokenizer = try files.path(of: "tokenizer.json")
        sentencePiece = try files.path(of: "tokenizer.model")
        configuration = try files.path(of: "tokenizer_config.json")
        specialTokens = try files.path(of: "special_tokens_map.json")
        chatTemplate = try files.path(of: "chat_template.jinja")
    }
}

extension ModelFolder {
    /// Where the tokenizer files are.
    public var tokenizerFiles: TokenizerFiles {
        get throws(ModelFolderError) { try TokenizerFiles(files) }
    }
}

import Synchronization

/// Turns text into the ids of a model's tokens and back.
///
/// ```swift
/// let tokenizer = try Tokenizer(contentsOf: "models/DeepSeek-V3")
/// let ids = tokenizer.encode("Why is the sky blue?")
/// print(tokenizer.decode(ids))
/// ```
///
/// Text never becomes a token that steers the model, unless the caller says that it may: special
/// tokens are recognised only with `.recognised` and in the template segments of a prompt.
///
/// A tokenizer is immutable and may be used by many tasks at once.
public final class Tokenizer: Sendable {
    let vocabulary: Vocabulary
    let model: Model
    let rawMatcher: AddedTokenMatcher
    let normalizedMatcher: AddedTokenMatcher
    let normalizer: Normalizer
    let sentencePiece: SentencePieceFront?
    let pretokenizer: Pretokenizer
    let wordMarks: WordMarkWriting?
    /// Whether a space is put before text that lacks one.
    let addsSpaceInFront: Bool
    /// Of neighbouring ones, only one is kept.
    let joinedUnknown: Int32?
    let decoder: TokenDecoder
    /// Tokens that decoding leaves out on request.
    let special: TokenSet
    /// Tokens that content can never become.
    let reserved: TokenSet

    private let scratches = Mutex<[EncodingScratch]>([])

    /// Tokens that `addsBeginOfSequence` and a file's post-processor put around a text.
    public let sequencePrefix: [Int32]
    /// Tokens that a file's post-processor puts after a text.
    public let sequenceSuffix: [Int32]
    /// The token a text starts with, where the model has one.
    public let beginOfSequence: Int32?
    /// The token a text ends with, where the model has one.
    public let endOfSequence: Int32?
    /// Tokens at which generation stops: the end of the text and those that end a turn.
    public let stopTokens: Set<Int32>
    /// The template of a conversation, in Jinja, where the model has one.
    public let chatTemplate: String?
    /// What is unusual about the files and was worked around.
    public let warnings: [String]

    /// What finds the tokens of a piece of text.
    enum Model: Sendable {
        case bytePair(BytePairModel)
        case unigram(UnigramModel)
        case wordPiece(WordPieceModel)
    }

    /// SentencePiece's way of preparing text, which keeps user-defined symbols in it.
    struct SentencePieceFront: Sendable {
        let normalizer: SentencePieceNormalizer
        let userDefined: AddedTokenMatcher
        /// Whether text with `.recognised` names control tokens too. SentencePiece itself never
        /// sees them in text; templates always may name them.
        let recognisesControlInText: Bool
    }

    /// Writing `▁` for spaces, as the pre-tokenizer `Metaspace` does.
    struct WordMarkWriting: Sendable {
        enum Prefix: String, Sendable, CaseIterable { case always, first, never }
        let mark: [UInt8]
        let prefix: Prefix
    }

    init(_ parts: TokenizerParts) throws(TokenizerError.Reason) {
        vocabulary = parts.vocabulary
        model = parts.model
        var raw: [AddedToken] = []
        var normalized: [AddedToken] = []
        for var token in parts.added {
            if token.isNormalized {
                if !parts.normalizer.isIdentity {
                    token.content = parts.normalizer.normalize(token.content, .init()).text
                }
                normalized.append(token)
            } else {
                raw.append(token)
            }
        }
        rawMatcher = try AddedTokenMatcher(raw)
        normalizedMatcher = try AddedTokenMatcher(normalized)
        normalizer = parts.normalizer
        sentencePiece = parts.sentencePiece
        pretokenizer = parts.pretokenizer
        wordMarks = parts.wordMarks
        addsSpaceInFront = parts.addsSpaceInFront
        joinedUnknown = parts.joinedUnknown
        decoder = parts.decoder
        special = parts.special
        reserved = parts.reserved
        sequencePrefix = parts.sequencePrefix
        sequenceSuffix = parts.sequenceSuffix
        beginOfSequence = parts.beginOfSequence
        endOfSequence = parts.endOfSequence
        stopTokens = parts.stopTokens
        chatTemplate = parts.chatTemplate
        warnings = parts.warnings
    }

    /// How many tokens there are; ids are 0 to one less.
    public var vocabularySize: Int { vocabulary.count }

    /// Whether the model expects `beginOfSequence` before a text; encoding itself never adds it.
    public var addsBeginOfSequence: Bool {
        beginOfSequence.map { sequencePrefix.contains($0) } ?? false
    }

    /// The token as the vocabulary writes it (`Ġthe`, `▁the`), or nil for an id out of range.
    public func token(_ id: Int32) -> String? {
        vocabulary[Int(id)].map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes a token adds to a text in which it is not the first, or nil for an id out of range.
    ///
    /// They need not be whole characters.
    public func tokenBytes(_ id: Int32) -> [UInt8]? {
        guard vocabulary[Int(id)] != nil else { return nil }
        var bytes: [UInt8] = []
        decoder.appendBytes(of: Int(id), to: &bytes)
        return bytes
    }

    /// The id of a token as the vocabulary writes it, or nil where there is none.
    public func id(of token: String) -> Int32? {
        vocabulary.id(of: token.utf8)
    }

    /// Whether decoding leaves the token out when asked to skip special tokens.
    public func isSpecial(_ id: Int32) -> Bool {
        special.contains(id)
    }

    /// Whether content can never become the token: it is special, or a marker such as `<think>`.
    public func isReserved(_ id: Int32) -> Bool {
        reserved.contains(id)
    }

    /// Lends a scratch to a closure; each is used by one call at a time, and a few are kept.
    func withScratch<Result>(_ body: (EncodingScratch) -> Result) -> Result {
        let scratch = scratches.withLock { $0.popLast() } ?? EncodingScratch()
        defer {
            scratches.withLock { if $0.count < 16 { $0.append(scratch) } }
        }
        return body(scratch)
    }
}

/// What a tokenizer is made of, as the readers of the file formats put it together.
struct TokenizerParts {
    var vocabulary: Vocabulary
    var model: Tokenizer.Model
    var added: [AddedToken] = []
    var normalizer = Normalizer()
    var sentencePiece: Tokenizer.SentencePieceFront?
    var pretokenizer = Pretokenizer([])
    var wordMarks: Tokenizer.WordMarkWriting?
    var addsSpaceInFront = false
    var joinedUnknown: Int32?
    var decoder: TokenDecoder
    var special: TokenSet
    var reserved: TokenSet
    var sequencePrefix: [Int32] = []
    var sequenceSuffix: [Int32] = []
    var beginOfSequence: Int32?
    var endOfSequence: Int32?
    var stopTokens: Set<Int32> = []
    var chatTemplate: String?
    var warnings: [String] = []
}

public import FathomJSON

/// Why a tokenizer was refused, and in which file.
public struct TokenizerError: Error, Sendable, Hashable {
    /// What was wrong with the tokenizer.
    public enum Reason: Error, Sendable, Hashable {
        /// The file or folder cannot be read.
        case unreadable(detail: String)
        /// A folder without any of the files a tokenizer can be read from.
        case noTokenizer
        /// A file larger than any vocabulary.
        case tooLarge(bytes: Int, limit: Int)
        /// JSON that RFC 8259 does not allow.
        case json(JSONError)
        /// A protocol buffer that ends too early or holds a bad tag.
        case protobuf(detail: String, offset: Int)
        /// A field that must be there.
        case missingField(String)
        /// A field that holds another kind of value than it should.
        case wrongType(field: String, found: String, expected: String)
        /// A setting that is not supported, with those that are.
        case unsupported(field: String, value: String, supported: String)
        /// No tokens at all.
        case emptyVocabulary
        /// More tokens than an id can number here.
        case tooManyTokens(count: Int, limit: Int)
        /// A token longer than any real one.
        case tokenTooLong(id: Int, bytes: Int, limit: Int)
        /// A token without characters where one is needed.
        case emptyToken(id: Int, isSpecial: Bool)
        /// An id below zero or above the number of tokens a vocabulary may have.
        case idOutOfRange(token: String, id: Int)
        /// Two tokens with one id.
        case duplicateID(Int, first: String, second: String)
        /// Two ids for one token.
        case duplicateToken(String, first: Int, second: Int)
        /// An id below the largest one that no token has.
        case missingID(Int, count: Int)
        /// A merge that is not two tokens.
        case malformedMerge(index: Int, text: String)
        /// A merge of or into a token that the vocabulary lacks.
        case unknownMergeToken(index: Int, token: String)
        /// A byte token whose name is not `<0x00>` to `<0xFF>`.
        case malformedByteToken(String, id: Int)
        /// A byte that has no token, or more than one, though the model falls back to bytes.
        case byteTokens(byte: UInt8, count: Int)
        /// Scores or kinds of tokens that are not as many as the tokens.
        case wrongCount(field: String, found: Int, expected: Int)
        /// A score that is no finite number.
        case badScore(id: Int)
        /// A pattern that is not understood.
        case pattern(PatternError)
        /// A table of character replacements that points outside itself.
        case malformedCharacterMap(detail: String)
    }

    /// The file or folder, or what else the tokenizer came from.
    public let source: String
    /// What was wrong.
    public let reason: Reason

    public init(source: String, reason: Reason) {
        self.source = source
        self.reason = reason
    }
}

extension TokenizerError: CustomStringConvertible {
    public var description: String { "\(source): \(reason)" }
}

extension TokenizerError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let detail):
            "cannot be read: \(detail)"
        case .noTokenizer:
            "no tokenizer here; expected 'tokenizer.json' or 'tokenizer.model'"
        case .tooLarge(let bytes, let limit):
            "\(bytes) bytes; a tokenizer file may have \(limit)"
        case .json(let error):
            "\(error)"
        case .protobuf(let detail, let offset):
            "byte \(offset): \(detail); expected a SentencePiece model"
        case .missingField(let field):
            "'\(field)' is missing"
        case .wrongType(let field, let found, let expected):
            "'\(field)' is \(found); expected \(expected)"
        case .unsupported(let field, let value, let supported):
            "'\(field)' is '\(value.excerpt)', which is not supported; supported: \(supported)"
        case .emptyVocabulary:
            "the vocabulary holds no token"
        case .tooManyTokens(let count, let limit):
            "\(count) tokens; the limit is \(limit)"
        case .tokenTooLong(let id, let bytes, let limit):
            "token \(id) has \(bytes) bytes; the limit is \(limit)"
        case .emptyToken(let id, let isSpecial):
            "\(isSpecial ? "the special token" : "token") \(id) is empty; it would match everywhere"
        case .idOutOfRange(let token, let id):
            "the token '\(token.excerpt)' has the id \(id); ids are 0 to \(Vocabulary.maximumCount - 1)"
        case .duplicateID(let id, let first, let second):
            "the id \(id) stands for both '\(first.excerpt)' and '\(second.excerpt)'"
        case .duplicateToken(let token, let first, let second):
            "the token '\(token.excerpt)' has two ids, \(first) and \(second)"
        case .missingID(let id, let count):
            "no token has the id \(id); ids must run from 0 to \(count - 1) without a gap"
        case .malformedMerge(let index, let text):
            "merge \(index), '\(text.excerpt)', is not two tokens separated by one space"
        case .unknownMergeToken(let index, let token):
            "merge \(index) names '\(token.excerpt)', which the vocabulary lacks"
        case .malformedByteToken(let token, let id):
            "the byte token \(id) is named '\(token.excerpt)'; expected '<0x00>' to '<0xFF>'"
        case .byteTokens(let byte, let count):
            "the byte \(byte) has \(count) tokens; the model falls back to bytes and needs one for each"
        case .wrongCount(let field, let found, let expected):
            "\(found) \(field) for \(expected) tokens; expected one for each"
        case .badScore(let id):
            "the score of token \(id) is not a finite number"
        case .pattern(let error):
            "\(error)"
        case .malformedCharacterMap(let detail):
            "'precompiled_charsmap': \(detail)"
        }
    }
}

extension String {
    /// The text cut to a length that fits a message.
    var excerpt: String {
        unicodeScalars.count <= 60 ? self : String(unicodeScalars.prefix(57)) + "…"
    }
}

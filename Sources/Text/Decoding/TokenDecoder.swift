/// How tokens become text again.
struct TokenDecoder: Sendable {
    /// What is dropped from the start of the text.
    enum Leading: Sendable {
        case nothing
        /// The space of a `▁` at the start of the first token that says something; all such tokens
        /// until one does where extra white space is removed (SentencePiece).
        case firstWordMark(repeatedly: Bool)
        /// Up to so many spaces (`Strip` of `tokenizer.json`).
        case spaces(Int)
    }

    /// Tokens whose text is not the spelling of bytes.
    final class Pieces: Sendable {
        /// The byte of each byte token, or -1.
        let byteValues: [Int16]
        /// Tokens that say nothing (SentencePiece's control pieces).
        let silent: TokenSet
        /// The unknown token and what stands for it.
        let unknown: (id: Int32, surface: [UInt8])?
        let leading: Leading

        init(
            byteValues: [Int16], silent: TokenSet, unknown: (id: Int32, surface: [UInt8])?,
            leading: Leading
        ) {
            self.byteValues = byteValues
            self.silent = silent
            self.unknown = unknown
            self.leading = leading
        }
    }

    /// Words with a space between them, cut into tokens that carry a prefix but for the first.
    struct WordPieces: Sendable {
        let prefix: [UInt8]
        /// Whether no space goes before punctuation and the ends of contractions.
        let cleansUp: Bool

        /// What stands without a space before it, in texts that are cleaned up.
        private static let closing = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"]
            .map { Array($0.utf8) }

        /// Appends the bytes of a token.
        func append(_ token: ArraySlice<UInt8>, isFirst: Bool, to bytes: inout [UInt8]) {
            if isFirst {
                bytes.append(contentsOf: token)
            } else if token.starts(with: prefix) {
                bytes.append(contentsOf: token.dropFirst(prefix.count))
            } else {
                if !cleansUp || !Self.closing.contains(where: { token.starts(with: $0) }) {
                    bytes.append(0x20)
                }
                bytes.append(contentsOf: token)
            }
        }
    }

    enum Kind: Sendable {
        case byteLevel
        case pieces(Pieces)
        case wordPieces(WordPieces)
    }

    let kind: Kind
    let vocabulary: Vocabulary

    /// The bytes a token adds to a text in which it is not the first.
    func appendBytes(of id: Int, to bytes: inout [UInt8]) {
        guard let token = vocabulary[id] else { return }
        switch kind {
        case .byteLevel:
            ByteLevelAlphabet.appendBytes(of: token, to: &bytes)
        case .wordPieces(let pieces):
            pieces.append(token, isFirst: false, to: &bytes)
        case .pieces(let pieces):
            if id < pieces.byteValues.count, pieces.byteValues[id] >= 0 {
                bytes.append(UInt8(truncatingIfNeeded: pieces.byteValues[id]))
            } else if let unknown = pieces.unknown, unknown.id == Int32(id) {
                bytes.append(contentsOf: unknown.surface)
            } else if !pieces.silent.contains(Int32(id)) {
                Self.append(token, replacingWordMarksTo: &bytes)
            }
        }
    }

    /// Appends a token with spaces for `▁`.
    static func append(_ token: ArraySlice<UInt8>, replacingWordMarksTo bytes: inout [UInt8]) {
        var position = token.startIndex
        while position < token.endIndex {
            if token[position] == WordMark.bytes[0],
                token[position...].starts(with: WordMark.bytes)
            {
                bytes.append(0x20)
                position += 3
            } else {
                bytes.append(token[position])
                position += 1
            }
        }
    }
}

/// Turns tokens into text one by one, as a model produces them, whole characters at a time.
///
/// ```swift
/// var detokenizer = tokenizer.makeDetokenizer(skippingSpecialTokens: true)
/// for id in ids { print(detokenizer.append(id), terminator: "") }
/// print(detokenizer.finish())
/// ```
///
/// However the tokens are cut into calls, the texts together are what `decode` gives for all.
public struct StreamingDetokenizer: Sendable {
    private let decoder: TokenDecoder
    private let skipped: TokenSet?
    private var assembler: UTF8Assembler
    private var bytes: [UInt8] = []
    /// Whether any text was given out, or held back as bytes.
    private var hasStarted = false
    /// Whether the word mark at the start was dropped.
    private var hasDroppedMark = false
    private var spacesLeft = 0

    init(decoder: TokenDecoder, skipping skipped: TokenSet?) {
        self.decoder = decoder
        self.skipped = skipped
        switch decoder.kind {
        case .byteLevel, .wordPieces: assembler = UTF8Assembler(.maximalSubparts)
        case .pieces(let pieces):
            assembler = UTF8Assembler(.everyByte)
            if case .spaces(let count) = pieces.leading { spacesLeft = count }
        }
    }

    /// Takes a token and returns the text that is complete with it, often empty.
    ///
    /// An id that no token has is passed over.
    public mutating func append(_ id: Int32) -> String {
        var text: [UInt8] = []
        append(id, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Returns what is left; bytes that do not end a character become U+FFFD.
    public mutating func finish() -> String {
        var text: [UInt8] = []
        finish(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    mutating func append(_ id: Int32, to text: inout [UInt8]) {
        if let skipped, skipped.contains(id) { return }
        switch decoder.kind {
        case .byteLevel:
            bytes.removeAll(keepingCapacity: true)
            decoder.appendBytes(of: Int(id), to: &bytes)
            assembler.append(bytes, to: &text)
        case .wordPieces(let pieces):
            guard let token = decoder.vocabulary[Int(id)] else { return }
            pieces.append(token, isFirst: !hasStarted, to: &text)
            hasStarted = true
        case .pieces(let pieces):
            append(id, pieces, to: &text)
        }
    }

    mutating func finish(to text: inout [UInt8]) {
        assembler.finish(to: &text)
    }

    private mutating func append(
        _ id: Int32, _ pieces: TokenDecoder.Pieces, to text: inout [UInt8]
    ) {
        guard let token = decoder.vocabulary[Int(id)] else { return }
        if Int(id) < pieces.byteValues.count, pieces.byteValues[Int(id)] >= 0 {
            spacesLeft = 0
            hasStarted = true
            assembler.append(
                CollectionOfOne(UInt8(truncatingIfNeeded: pieces.byteValues[Int(id)])), to: &text)
            return
        }
        // A run of byte tokens ends here, and with it a character that was begun.
        assembler.finish(to: &text)
        bytes.removeAll(keepingCapacity: true)
        let isAtStart = !hasStarted && !hasDroppedMark
        if let unknown = pieces.unknown, unknown.id == id {
            bytes.append(contentsOf: unknown.surface)
        } else if !pieces.silent.contains(id) {
            var rest = token
            if case .firstWordMark(let repeatedly) = pieces.leading, isAtStart,
                rest.starts(with: WordMark.bytes)
            {
                rest = rest.dropFirst(WordMark.bytes.count)
                hasDroppedMark = !repeatedly
            }
            TokenDecoder.append(rest, replacingWordMarksTo: &bytes)
        }
        var rest = bytes[...]
        while spacesLeft > 0, let first = rest.first {
            guard first == 0x20 else {
                spacesLeft = 0
                break
            }
            rest = rest.dropFirst()
            spacesLeft -= 1
        }
        if !rest.isEmpty { hasStarted = true }
        // Tokens are UTF-8 themselves, whole characters.
        text.append(contentsOf: rest)
    }
}

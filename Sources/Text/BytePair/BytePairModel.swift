/// Byte-pair encoding (Sennrich, Haddow and Birch, 2016): a word's symbols are merged in the order
/// of the merges' ranks.
final class BytePairModel: Sendable {
    /// What the symbols are before the first merge.
    enum Alphabet: Sendable {
        /// Every byte is a symbol; -1 where the vocabulary lacks one.
        case bytes([Int32])
        /// Every character is a symbol.
        case characters(CharacterSymbols)
    }

    /// What becomes of a character that no token holds.
    enum Unknown: Sendable {
        /// It turns into the tokens of its UTF-8 bytes.
        case bytes([Int32])
        /// It turns into one token.
        case token(Int32)
        /// It is left out, as the `tokenizers` library does for a model without unknown token.
        case omitted
    }

    let alphabet: Alphabet
    let merges: MergeTable
    let unknown: Unknown
    /// Symbols from here on are characters that occur in tokens without being one.
    let tokenCount: Int
    /// Those characters.
    let strayCharacters: [UInt32]
    /// Looks whole words up before merging (`ignore_merges`): the word to its token.
    let wholeWords: WholeWords?
    /// Tokens that merge but are spelled in smaller ones when left over (SentencePiece's unused
    /// pieces), or none.
    let unusedTokens: Set<Int32>
    /// Whether text may be cut before each `▁` that follows another character: then no token
    /// reaches across, so words are independent.
    let cutsAtWordMarks: Bool

    struct WholeWords: Sendable {
        let vocabulary: Vocabulary
        let reserved: TokenSet
    }

    init(
        alphabet: Alphabet, merges: MergeTable, unknown: Unknown, tokenCount: Int,
        strayCharacters: [UInt32] = [], wholeWords: WholeWords? = nil,
        unusedTokens: Set<Int32> = [], cutsAtWordMarks: Bool = false
    ) {
        self.alphabet = alphabet
        self.merges = merges
        self.unknown = unknown
        self.tokenCount = tokenCount
        self.strayCharacters = strayCharacters
        self.wholeWords = wholeWords
        self.unusedTokens = unusedTokens
        self.cutsAtWordMarks = cutsAtWordMarks
    }

    /// Appends the tokens of one piece of text.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, _ scratch: EncodingScratch,
        into tokens: inout [Int32]
    ) {
        guard cutsAtWordMarks else {
            encodeWord(text, piece, scratch, into: &tokens)
            return
        }
        var start = piece.lowerBound
        var position = start
        var isAfterMark = true
        while position < piece.upperBound {
            let isMark = WordMark.starts(at: position, in: text, end: piece.upperBound)
            if isMark, !isAfterMark {
                encodeWord(text, start..<position, scratch, into: &tokens)
                start = position
            }
            isAfterMark = isMark
            position = isMark ? position + 3 : UTF8Text.decode(text, at: position).end
        }
        encodeWord(text, start..<piece.upperBound, scratch, into: &tokens)
    }

    @inline(__always)
    private func encodeWord(
        _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>, _ scratch: EncodingScratch,
        into tokens: inout [Int32]
    ) {
        guard word.count <= WordCache.maximumWordBytes else {
            mergeWord(text, word, scratch, into: &tokens)
            return
        }
        guard !word.isEmpty else { return }
        let key = WordCache.Key(text, word)
        if scratch.cache.appendTokens(of: key, to: &tokens) { return }
        let before = tokens.count
        mergeWord(text, word, scratch, into: &tokens)
        scratch.cache.insert(key, tokens: tokens[before...])
    }

    @inline(never)
    private func mergeWord(
        _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>, _ scratch: EncodingScratch,
        into tokens: inout [Int32]
    ) {
        if let token = wholeWord(text, word, scratch) {
            tokens.append(token)
            return
        }
        scratch.merging.removeAll()
        switch alphabet {
        case .bytes(let symbols):
            for position in word {
                let symbol = symbols[Int(text[position])]
                if symbol >= 0 || !isOmitting {
                    scratch.merging.append(symbol, start: position - word.lowerBound)
                }
            }
        case .characters(let symbols):
            appendCharacters(symbols, text, word, scratch)
        }
        if unusedTokens.isEmpty {
            scratch.merging.run(merges)
        } else {
            var parts: [Int32: (Int32, Int32)] = [:]
            scratch.merging.run(merges) { [unusedTokens] left, right, result in
                if unusedTokens.contains(result) { parts[result] = (left, right) }
            }
            scratch.unusedParts = parts
        }
        let starts = scratch.merging.starts
        for (index, symbol) in scratch.merging.symbols.enumerated() {
            let start = word.lowerBound + Int(starts[index])
            let end =
                index + 1 < starts.count
                ? word.lowerBound + Int(starts[index + 1]) : word.upperBound
            appendTokens(of: symbol, text, start..<end, scratch, into: &tokens)
        }
        scratch.merging.releaseLongWordMemory()
    }

    private var isOmitting: Bool {
        if case .omitted = unknown { true } else { false }
    }

    private func wholeWord(
        _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>, _ scratch: EncodingScratch
    ) -> Int32? {
        guard let wholeWords, word.count <= Vocabulary.maximumTokenBytes else { return nil }
        scratch.bytes.removeAll(keepingCapacity: true)
        if case .bytes = alphabet {
            for position in word {
                ByteLevelAlphabet.append(text[position], to: &scratch.bytes)
            }
        } else {
            scratch.bytes.append(contentsOf: text[word])
        }
        guard let token = scratch.bytes.withUnsafeBufferPointer(wholeWords.vocabulary.id(of:)),
            !wholeWords.reserved.contains(token)
        else { return nil }
        return token
    }

    private func appendCharacters(
        _ symbols: CharacterSymbols, _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>,
        _ scratch: EncodingScratch
    ) {
        var position = word.lowerBound
        while position < word.upperBound {
            let (scalar, end) = UTF8Text.decode(text, at: position)
            scratch.merging.append(symbols[scalar], start: position - word.lowerBound)
            position = end
        }
    }

    private func appendTokens(
        of symbol: Int32, _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>,
        _ scratch: EncodingScratch, into tokens: inout [Int32]
    ) {
        if symbol < 0 || symbol >= tokenCount {
            appendUnknown(text[range], into: &tokens)
        } else if unusedTokens.contains(symbol) {
            appendParts(of: symbol, scratch, into: &tokens)
        } else {
            tokens.append(symbol)
        }
    }

    private func appendUnknown(_ bytes: some Sequence<UInt8>, into tokens: inout [Int32]) {
        switch unknown {
        case .bytes(let byteTokens):
            for byte in bytes { tokens.append(byteTokens[Int(byte)]) }
        case .token(let token): tokens.append(token)
        case .omitted: break
        }
    }

    /// Spells an unused token in the parts that could have merged into it.
    private func appendParts(
        of symbol: Int32, _ scratch: EncodingScratch, into tokens: inout [Int32]
    ) {
        var pending = [symbol]
        while let symbol = pending.popLast() {
            if unusedTokens.contains(symbol), let (left, right) = scratch.unusedParts[symbol] {
                pending.append(right)
                pending.append(left)
            } else if symbol >= tokenCount {
                var bytes: [UInt8] = []
                UTF8Text.append(strayCharacters[Int(symbol) - tokenCount], to: &bytes)
                appendUnknown(bytes, into: &tokens)
            } else {
                tokens.append(symbol)
            }
        }
    }
}

/// SentencePiece's mark of a word's start, `▁` (U+2581): three bytes.
enum WordMark {
    static let bytes: [UInt8] = [0xE2, 0x96, 0x81]
    static let scalar: UInt32 = 0x2581

    @inline(__always)
    static func starts(
        at position: Int, in text: UnsafeBufferPointer<UInt8>, end: Int
    ) -> Bool {
        position + 3 <= end && text[position] == 0xE2 && text[position + 1] == 0x96
            && text[position + 2] == 0x81
    }
}

/// The symbol of each character: its token, or a number of its own where it only occurs inside
/// tokens, or -1.
struct CharacterSymbols: Sendable {
    private var low: [Int32] = Array(repeating: -1, count: 0x3000)
    private var high: [UInt32: Int32] = [:]

    subscript(scalar: UInt32) -> Int32 {
        get { scalar < 0x3000 ? low[Int(scalar)] : high[scalar] ?? -1 }
        set {
            if scalar < 0x3000 { low[Int(scalar)] = newValue } else { high[scalar] = newValue }
        }
    }
}

/// What one encoding call writes to: kept and reused by the tokenizer.
///
/// `Sendable` only because the tokenizer hands each one to a single call at a time.
final class EncodingScratch: @unchecked Sendable {
    let cache = WordCache()
    let merging = MergeLoop()
    var bytes: [UInt8] = []
    var unusedParts: [Int32: (Int32, Int32)] = [:]
    var unigram = UnigramLattice()
}

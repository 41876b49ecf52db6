/// Fills a merge table from the list of merges of a file.
struct MergeListReader {
    private let vocabulary: Vocabulary
    private let reserved: TokenSet
    private(set) var table: MergeTable
    private(set) var warnings: [String] = []
    /// Whether some result has a `▁` behind another character.
    private(set) var reachesAcrossWords = false
    private var count = 0
    private var joined: [UInt8] = []

    init(vocabulary: Vocabulary, reserved: TokenSet, capacity: Int) {
        self.vocabulary = vocabulary
        self.reserved = reserved
        table = MergeTable(capacity: min(capacity, 1 << 22))
    }

    /// Adds the next merge, written as two tokens separated by one space.
    mutating func add(_ merge: String) throws(TokenizerError.Reason) {
        var merge = merge
        try merge.withUTF8 { text in
            Result { () throws(TokenizerError.Reason) in try add(text) }
        }.get()
    }

    /// Adds the next merge, written as two tokens separated by one space.
    mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(TokenizerError.Reason) {
        guard let space = text.firstIndex(of: 0x20), space > 0, space + 1 < text.count,
            text[(space + 1)...].firstIndex(of: 0x20) == nil
        else {
            throw .malformedMerge(index: count, text: String(decoding: text, as: UTF8.self))
        }
        try add(
            UnsafeBufferPointer(rebasing: text[..<space]),
            UnsafeBufferPointer(rebasing: text[(space + 1)...]))
    }

    /// Adds the next merge of two tokens.
    mutating func add(
        _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
    ) throws(TokenizerError.Reason) {
        let leftID = try id(of: left)
        let rightID = try id(of: right)
        joined.removeAll(keepingCapacity: true)
        joined.append(contentsOf: left)
        joined.append(contentsOf: right)
        guard let result = joined.withUnsafeBufferPointer(vocabulary.id(of:)) else {
            throw .unknownMergeToken(index: count, token: String(decoding: joined, as: UTF8.self))
        }
        if reserved.contains(result) {
            warnings.append(
                "merge \(count) spells the special token '\(vocabulary.text(Int(result)).excerpt)'; "
                    + "it is left out, since content could forge the token")
        } else {
            table.insert(leftID, rightID, .init(priority: UInt32(count), result: result))
            if !reachesAcrossWords { noteWordMarks() }
        }
        count += 1
    }

    private func id(
        of token: UnsafeBufferPointer<UInt8>
    ) throws(TokenizerError.Reason) -> Int32 {
        guard let id = vocabulary.id(of: token) else {
            throw .unknownMergeToken(index: count, token: String(decoding: token, as: UTF8.self))
        }
        return id
    }

    private mutating func noteWordMarks() {
        var isAfterOther = false
        joined.withUnsafeBufferPointer { text in
            var position = 0
            while position < text.count {
                if WordMark.starts(at: position, in: text, end: text.count) {
                    if isAfterOther { reachesAcrossWords = true }
                    position += 3
                } else {
                    isAfterOther = true
                    position += 1
                }
            }
        }
    }
}

extension ByteLevelAlphabet {
    /// The token of each byte, or -1 where the vocabulary has none.
    static func symbols(in vocabulary: Vocabulary) -> [Int32] {
        (UInt8.min...UInt8.max).map { byte in
            var name: [UInt8] = []
            append(byte, to: &name)
            return vocabulary.id(of: name) ?? -1
        }
    }

    /// What is lost where bytes of UTF-8 have no token.
    static func warnings(for vocabulary: Vocabulary) -> [String] {
        let symbols = symbols(in: vocabulary)
        let missing = symbols.indices.filter { symbols[$0] < 0 && occursInText($0) }
        guard let first = missing.first else { return [] }
        return [
            "\(missing.count) bytes have no token, the first being \(first); they are left out of text"
        ]
    }
}

/// Whether a byte occurs in written text.
///
/// 0xC0, 0xC1 and 0xF5 to 0xFF are in no UTF-8; 0xF1, 0xF2 and 0xF4 begin characters of planes
/// that hold none; control characters other than tab and line ends are no text.
private func occursInText(_ byte: Int) -> Bool {
    switch byte {
    case 0x09, 0x0A, 0x0D: true
    case 0..<0x20, 0x7F, 0xC0, 0xC1, 0xF1, 0xF2, 0xF4...0xFF: false
    default: true
    }
}

extension Pretokenizer {
    /// Whether words that are tokens are taken whole, as Llama 3's tokenizer does.
    var takesWholeWords: Bool {
        if stages.count == 1, case .scanned(.words(.llama3)) = stages[0].pattern {
            true
        } else {
            false
        }
    }
}

/// The merges of a SentencePiece BPE model, which its file does not list.
///
/// SentencePiece merges the neighbours whose concatenation is the piece with the highest score, the
/// leftmost first. So each piece stands for as many merges as there are ways to cut it in two
/// symbols, all with the priority of its score.
struct SentencePieceMerges {
    private(set) var table: MergeTable
    private(set) var characters = CharacterSymbols()
    /// Characters that occur in pieces without being one; they are symbols behind the pieces.
    private(set) var strayCharacters: [UInt32] = []
    /// Whether some piece has a `▁` behind another character, so that words are not independent.
    private(set) var reachesAcrossWords = false

    /// - Parameter mergeable: whether text may become the piece.
    init(
        _ vocabulary: Vocabulary, scores: [Float], mergeable: (Int) -> Bool
    ) throws(TokenizerError.Reason) {
        let priorities = Self.priorities(scores)
        table = MergeTable(capacity: vocabulary.count * 3)
        var isMergeable = [Bool](repeating: false, count: vocabulary.count)
        for id in isMergeable.indices { isMergeable[id] = mergeable(id) }

        var pieces: [(id: Int, bytes: [UInt8], borders: [Int])] = []
        for id in isMergeable.indices where isMergeable[id] {
            guard let piece = vocabulary[id] else { continue }
            let bytes = Array(piece)
            let borders = bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 } + [bytes.count]
            bytes.withUnsafeBufferPointer { text in
                if borders.count == 2 {
                    characters[UTF8Text.decode(text, at: 0).scalar] = Int32(id)
                }
                for border in borders.dropFirst().dropLast()
                where WordMark.starts(at: border, in: text, end: text.count) {
                    let before = UTF8Text.characterStart(text, before: border)
                    if !WordMark.starts(at: before, in: text, end: text.count) {
                        reachesAcrossWords = true
                    }
                }
            }
            if borders.count > 2 { pieces.append((id, bytes, borders)) }
        }
        var work = 0
        for piece in pieces {
            // Each cut of a piece looks all of it up. Pieces in use have up to about 100 characters.
            work += piece.bytes.count * piece.borders.count
            guard piece.borders.count <= 1024, work <= 1 << 30 else {
                throw .tokenTooLong(id: piece.id, bytes: piece.bytes.count, limit: 1024)
            }
            piece.bytes.withUnsafeBufferPointer { text in
                for border in piece.borders.dropFirst().dropLast() {
                    if let left = symbol(text[0..<border], vocabulary, isMergeable),
                        let right = symbol(text[border..<text.count], vocabulary, isMergeable)
                    {
                        table.insert(
                            left, right,
                            .init(priority: priorities[piece.id], result: Int32(piece.id)))
                    }
                }
            }
        }
    }

    /// The symbol for part of a piece: a piece, or a single character.
    private mutating func symbol(
        _ part: Slice<UnsafeBufferPointer<UInt8>>, _ vocabulary: Vocabulary, _ isMergeable: [Bool]
    ) -> Int32? {
        let bytes = UnsafeBufferPointer(rebasing: part)
        if let id = vocabulary.id(of: bytes), isMergeable[Int(id)] { return id }
        let (scalar, end) = UTF8Text.decode(bytes, at: 0)
        guard end == bytes.count else { return nil }
        if characters[scalar] < 0 {
            characters[scalar] = Int32(vocabulary.count + strayCharacters.count)
            strayCharacters.append(scalar)
        }
        return characters[scalar]
    }

    /// Ranks of scores: 0 for the highest, equal ones alike.
    private static func priorities(_ scores: [Float]) -> [UInt32] {
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var priorities = [UInt32](repeating: 0, count: scores.count)
        var rank: UInt32 = 0
        for (position, id) in order.enumerated() {
            if position > 0, scores[id] != scores[order[position - 1]] { rank += 1 }
            priorities[id] = rank
        }
        return priorities
    }
}

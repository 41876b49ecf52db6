/// Cuts text into the pieces that a model encodes one by one, in stages: each stage cuts the pieces
/// of the one before.
///
/// A stage sees only its piece, so look-ahead and anchors end at the piece's borders, as in the
/// `tokenizers` library.
struct Pretokenizer: Sendable {
    /// What becomes of the matches of a pattern; the names are those of `tokenizer.json`.
    enum Behavior: String, Sendable, CaseIterable {
        case isolated = "Isolated"
        case removed = "Removed"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    struct Stage: Sendable {
        let pattern: SplitPattern
        var behavior = Behavior.isolated
        /// Whether what lies between the matches counts as the match.
        var isInverted = false
    }

    static let maximumStages = 32

    let stages: [Stage]

    init(_ stages: [Stage]) {
        self.stages = stages
    }

    /// Calls a closure with each piece of a range of well-formed UTF-8, in order.
    func forEachPiece(
        of text: UnsafeBufferPointer<UInt8>, in range: Range<Int>, _ body: (Range<Int>) -> Void
    ) {
        guard !range.isEmpty else { return }
        split(text, range, stage: 0, classes: .shared, body)
    }

    /// The depth of the recursion is the number of stages.
    private func split(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, stage index: Int,
        classes: CharacterClassTable, _ body: (Range<Int>) -> Void
    ) {
        guard index < stages.count else {
            body(piece)
            return
        }
        let stage = stages[index]
        func next(_ part: Range<Int>) {
            split(text, part, stage: index + 1, classes: classes, body)
        }
        guard stage.behavior == .isolated, !stage.isInverted else {
            Self.combine(
                Self.parts(of: piece, in: text, stage: stage, classes: classes),
                stage.behavior, next)
            return
        }
        Self.forEachPart(of: piece, in: text, pattern: stage.pattern, classes: classes) { part, _ in
            next(part)
        }
    }

    /// Calls a closure with the matches in a piece and with what lies between them.
    private static func forEachPart(
        of piece: Range<Int>, in text: UnsafeBufferPointer<UInt8>, pattern: SplitPattern,
        classes: CharacterClassTable, _ body: (_ part: Range<Int>, _ isMatch: Bool) -> Void
    ) {
        var memory = PatternProgram.Memory()
        var position = piece.lowerBound
        var searchStart = position
        while searchStart < piece.upperBound,
            let match = pattern.firstMatch(
                in: text, piece: piece, from: searchStart, classes: classes, memory: &memory)
        {
            if match.lowerBound > position { body(position..<match.lowerBound, false) }
            if !match.isEmpty { body(match, true) }
            position = match.upperBound
            searchStart = position
            if match.isEmpty, position < piece.upperBound {
                searchStart = UTF8Text.decode(text, at: position).end
            } else if match.isEmpty {
                break
            }
        }
        if position < piece.upperBound { body(position..<piece.upperBound, false) }
    }

    private static func parts(
        of piece: Range<Int>, in text: UnsafeBufferPointer<UInt8>, stage: Stage,
        classes: CharacterClassTable
    ) -> [(range: Range<Int>, isMatch: Bool)] {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        forEachPart(of: piece, in: text, pattern: stage.pattern, classes: classes) {
            parts.append(($0, $1 != stage.isInverted))
        }
        return parts
    }

    private static func combine(
        _ parts: [(range: Range<Int>, isMatch: Bool)], _ behavior: Behavior,
        _ body: (Range<Int>) -> Void
    ) {
        switch behavior {
        case .isolated:
            for part in parts { body(part.range) }
        case .removed:
            for part in parts where !part.isMatch { body(part.range) }
        case .contiguous:
            joined(parts) { $0.isMatch == $1.isMatch }.forEach(body)
        case .mergedWithPrevious:
            joined(parts) { !$0.isMatch && $1.isMatch }.forEach(body)
        case .mergedWithNext:
            joined(parts) { $0.isMatch && !$1.isMatch }.forEach(body)
        }
    }

    /// Joins neighbours for which the predicate holds.
    private static func joined(
        _ parts: [(range: Range<Int>, isMatch: Bool)],
        where belongTogether: ((range: Range<Int>, isMatch: Bool), (range: Range<Int>, isMatch: Bool))
            -> Bool
    ) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var previous: (range: Range<Int>, isMatch: Bool)?
        for part in parts {
            if let previous, belongTogether(previous, part), let last = pieces.indices.last {
                pieces[last] = pieces[last].lowerBound..<part.range.upperBound
            } else {
                pieces.append(part.range)
            }
            previous = part
        }
        return pieces
    }
}

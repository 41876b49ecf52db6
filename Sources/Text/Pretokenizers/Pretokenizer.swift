/// Cuts text into the pieces that a model encodes one by one, in stages: each stage cuts the pieces
/// of the one before.
///
/// A stage sees only its piece, so look-ahead and anchors end at the piece's borders, as in the
/// `tokenizers` library.
package struct Pretokenizer: Sendable {
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
    /// The scanners of the stages, if every stage isolates the matches of one; else empty. Plain
    /// data, so that the common path passes no references around.
    private let scanners: [ScannedPattern]

    init(_ stages: [Stage]) {
        self.stages = stages
        let scanners = stages.compactMap { stage -> ScannedPattern? in
            guard case .scanned(let pattern) = stage.pattern, stage.behavior == .isolated,
                !stage.isInverted
            else { return nil }
            return pattern
        }
        self.scanners = scanners.count == stages.count ? scanners : []
    }

    /// A pre-tokenizer of expressions alone, each run by the general matcher and isolated.
    package init(expressions: [String]) throws(PatternError) {
        var stages: [Stage] = []
        for expression in expressions {
            stages.append(Stage(pattern: .program(try PatternProgram(expression))))
        }
        self.init(stages)
    }

    /// The pieces of a text.
    package func pieces(of text: String) -> [String] {
        var text = text
        return text.withUTF8 { bytes in
            var list = PieceList(text: bytes)
            split(bytes, in: 0..<bytes.count, into: &list)
            return list.pieces
        }
    }

    private struct PieceList: PieceConsumer {
        let text: UnsafeBufferPointer<UInt8>
        var pieces: [String] = []

        mutating func take(_ piece: Range<Int>) {
            pieces.append(String(decoding: text[piece], as: UTF8.self))
        }
    }

    /// Gives each piece of a range of well-formed UTF-8 to a consumer, in order.
    func split(
        _ text: UnsafeBufferPointer<UInt8>, in range: Range<Int>,
        into consumer: inout some PieceConsumer
    ) {
        guard !range.isEmpty else { return }
        if stages.isEmpty {
            consumer.take(range)
        } else if scanners.isEmpty {
            splitGenerally(text, range, stage: 0, into: &consumer)
        } else {
            scanners.withUnsafeBufferPointer {
                Self.split(text, range, $0, stage: 0, classes: .shared, into: &consumer)
            }
        }
    }

    /// The depth of the recursion is the number of stages.
    private static func split(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>,
        _ scanners: UnsafeBufferPointer<ScannedPattern>, stage index: Int,
        classes: CharacterClassTable, into consumer: inout some PieceConsumer
    ) {
        let isLast = index + 1 == scanners.count
        var position = piece.lowerBound
        while position < piece.upperBound {
            let match =
                scanners[index].firstMatch(
                    in: text, from: position, to: piece.upperBound, classes: classes)
                ?? piece.upperBound..<piece.upperBound
            if match.lowerBound > position {
                let gap = position..<match.lowerBound
                if isLast {
                    consumer.take(gap)
                } else {
                    split(text, gap, scanners, stage: index + 1, classes: classes, into: &consumer)
                }
            }
            if match.isEmpty { break }
            if isLast {
                consumer.take(match)
            } else {
                split(text, match, scanners, stage: index + 1, classes: classes, into: &consumer)
            }
            position = match.upperBound
        }
    }

    private func splitGenerally(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, stage index: Int,
        into consumer: inout some PieceConsumer
    ) {
        guard index < stages.count else { return consumer.take(piece) }
        let stage = stages[index]
        let parts = Self.parts(of: piece, in: text, stage: stage)
        for part in Self.combined(parts, stage.behavior) {
            splitGenerally(text, part, stage: index + 1, into: &consumer)
        }
    }

    /// The matches in a piece and what lies between them.
    private static func parts(
        of piece: Range<Int>, in text: UnsafeBufferPointer<UInt8>, stage: Stage
    ) -> [(range: Range<Int>, isMatch: Bool)] {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var memory = PatternProgram.Memory()
        var position = piece.lowerBound
        var searchStart = position
        while searchStart < piece.upperBound,
            let match = stage.pattern.firstMatch(
                in: text, piece: piece, from: searchStart, classes: .shared, memory: &memory)
        {
            if match.lowerBound > position {
                parts.append((position..<match.lowerBound, stage.isInverted))
            }
            if !match.isEmpty { parts.append((match, !stage.isInverted)) }
            position = match.upperBound
            searchStart = position
            if match.isEmpty {
                // An empty match cuts, and the search goes on behind the next character.
                guard position < piece.upperBound else { break }
                searchStart = UTF8Text.decode(text, at: position).end
            }
        }
        if position < piece.upperBound {
            parts.append((position..<piece.upperBound, stage.isInverted))
        }
        return parts
    }

    private static func combined(
        _ parts: [(range: Range<Int>, isMatch: Bool)], _ behavior: Behavior
    ) -> [Range<Int>] {
        switch behavior {
        case .isolated: parts.map(\.range)
        case .removed: parts.lazy.filter { !$0.isMatch }.map(\.range)
        case .contiguous: joined(parts) { $0.isMatch == $1.isMatch }
        case .mergedWithPrevious: joined(parts) { !$0.isMatch && $1.isMatch }
        case .mergedWithNext: joined(parts) { $0.isMatch && !$1.isMatch }
        }
    }

    /// Joins neighbours for which the predicate holds.
    private static func joined(
        _ parts: [(range: Range<Int>, isMatch: Bool)],
        where belongTogether: (
            (range: Range<Int>, isMatch: Bool), (range: Range<Int>, isMatch: Bool)
        ) -> Bool
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

/// What becomes of the pieces of a text. A protocol rather than a closure, which would be retained
/// and released for each of them.
protocol PieceConsumer {
    mutating func take(_ piece: Range<Int>)
}

/// A pattern by which a pre-tokenizer cuts text: one of the known ones, scanned by hand, or any
/// other, run by the general matcher.
///
/// The hand-written scanners find exactly the matches of the expression beside them; tests compare
/// them with the general matcher and with Swift's own regular expressions.
enum SplitPattern: Sendable {
    case scanned(ScannedPattern)
    case literal([UInt8])
    case program(PatternProgram)

    /// The first match at or after a position within a piece, or nil.
    func firstMatch(
        in text: UnsafeBufferPointer<UInt8>, piece: Range<Int>, from start: Int,
        classes: CharacterClassTable, memory: inout PatternProgram.Memory
    ) -> Range<Int>? {
        switch self {
        case .scanned(let pattern):
            pattern.firstMatch(in: text, from: start, to: piece.upperBound, classes: classes)
        case .literal(let needle):
            Self.firstOccurrence(of: needle, in: text, from: start, to: piece.upperBound)
        case .program(let program):
            program.firstMatch(in: text, piece: piece, from: start, memory: &memory)
        }
    }

    private static func firstOccurrence(
        of needle: [UInt8], in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int
    ) -> Range<Int>? {
        guard let first = needle.first else { return nil }
        var position = start
        while position + needle.count <= end {
            if text[position] == first,
                text[position..<position + needle.count].elementsEqual(needle)
            {
                return position..<position + needle.count
            }
            position += 1
        }
        return nil
    }
}

/// A pattern with a scanner written by hand. Plain data, so that passing it around costs nothing.
enum ScannedPattern: Sendable {
    /// `L?B{1,n}`: at most one character of a set, then up to n of another.
    case run(leading: CharacterClass, body: CharacterClass, maximum: Int)
    /// `\s+$`
    case trailingWhitespace
    /// A mark of punctuation, or a run of what is neither that nor white space, as
    /// `BertPreTokenizer` cuts.
    case bertWords
    /// One of the patterns that cut text into words.
    case words(WordPattern)

    /// The first match at or after a position, or nil; matches are never empty.
    @inline(__always)
    func firstMatch(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int,
        classes: CharacterClassTable
    ) -> Range<Int>? {
        switch self {
        case .run(let leading, let body, let maximum):
            return Self.firstRun(
                in: text, from: start, to: end, leading: leading, body: body, maximum: maximum,
                classes: classes)
        case .trailingWhitespace:
            return Self.trailingWhitespace(in: text, from: start, to: end, classes: classes)
        case .bertWords:
            return Self.firstBertWord(in: text, from: start, to: end, classes: classes)
        case .words(let pattern):
            let scanner = WordScanner(text: text, end: end, classes: classes)
            var position = start
            while position < end {
                if let end = scanner.matchEnd(of: pattern, at: position) {
                    return position..<end
                }
                position = UTF8Text.decode(text, at: position).end
            }
            return nil
        }
    }

    private static func firstRun(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int,
        leading: CharacterClass, body: CharacterClass, maximum: Int, classes: CharacterClassTable
    ) -> Range<Int>? {
        let wanted = body.union(leading)
        var position = start
        while position < end {
            let (first, next) = classes.classify(text, at: position)
            guard first.hasAny(of: wanted) else {
                position = next
                continue
            }
            var bodyStart = position
            var hasMatch = first.hasAny(of: body)
            if first.hasAny(of: leading), next < end,
                classes.classify(text, at: next).classes.hasAny(of: body)
            {
                bodyStart = next
                hasMatch = true
            }
            guard hasMatch else {
                position = next
                continue
            }
            var runEnd = bodyStart
            var count = 0
            while runEnd < end, count < maximum {
                let (found, after) = classes.classify(text, at: runEnd)
                guard found.hasAny(of: body) else { break }
                runEnd = after
                count += 1
            }
            return position..<runEnd
        }
        return nil
    }

    private static func firstBertWord(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int,
        classes: CharacterClassTable
    ) -> Range<Int>? {
        var position = start
        while position < end {
            var (found, next) = classes.classify(text, at: position)
            if found.hasAny(of: .whitespace) {
                position = next
                continue
            }
            if found.hasAny(of: .bertPunctuation) { return position..<next }
            var wordEnd = next
            while wordEnd < end {
                (found, next) = classes.classify(text, at: wordEnd)
                if found.hasAny(of: [.whitespace, .bertPunctuation]) { break }
                wordEnd = next
            }
            return position..<wordEnd
        }
        return nil
    }

    private static func trailingWhitespace(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int,
        classes: CharacterClassTable
    ) -> Range<Int>? {
        var position = end
        while position > start {
            let before = UTF8Text.characterStart(text, before: position)
            guard classes.classify(text, at: before).classes.hasAny(of: .whitespace) else { break }
            position = before
        }
        return position < end ? position..<end : nil
    }
}

/// Finds added tokens in text, leftmost and then longest.
struct AddedTokenMatcher: Sendable {
    private var trie = ByteTrie()
    private var tokens: [AddedToken] = []
    private var plain: [Bool] = []
    /// Which bytes tokens start with, those of plain text apart.
    private var steeringFirstBytes = [Bool](repeating: false, count: 256)
    private var plainFirstBytes = [Bool](repeating: false, count: 256)
    private var hasPlainTokens = false

    /// Tokens in files are tried in their order; of two with one content the later one counts.
    init(_ added: [AddedToken]) throws(TokenizerError.Reason) {
        for token in added {
            guard let first = token.content.first else {
                throw .emptyToken(id: token.id, isSpecial: true)
            }
            guard token.content.count <= AddedToken.maximumBytes,
                trie.insert(token.content, value: Int32(tokens.count))
            else {
                throw .tokenTooLong(
                    id: token.id, bytes: token.content.count, limit: AddedToken.maximumBytes)
            }
            tokens.append(token)
            plain.append(token.isPlainText)
            if token.isPlainText {
                plainFirstBytes[Int(first)] = true
                hasPlainTokens = true
            } else {
                steeringFirstBytes[Int(first)] = true
            }
        }
    }

    var isEmpty: Bool { tokens.isEmpty }

    /// The token that starts at a position: a steering one only if it ends by `templateEnd`.
    @inline(__always)
    func match(
        in text: UnsafeBufferPointer<UInt8>, at start: Int, end: Int, templateEnd: Int
    ) -> (token: AddedToken, end: Int)? {
        let first = Int(text[start])
        guard plainFirstBytes[first] || (start < templateEnd && steeringFirstBytes[first]) else {
            return nil
        }
        return longestMatch(in: text, at: start, end: end, templateEnd: templateEnd)
    }

    private func longestMatch(
        in text: UnsafeBufferPointer<UInt8>, at start: Int, end: Int, templateEnd: Int
    ) -> (token: AddedToken, end: Int)? {
        var best: (token: Int, end: Int)?
        var node = 0
        var position = start
        while position < end, let next = trie.child(of: node, text[position]) {
            node = next
            position += 1
            let token = Int(trie.value(of: node))
            guard token >= 0, plain[token] || position <= templateEnd else { continue }
            best = (token, position)
        }
        return best.map { (tokens[$0.token], $0.end) }
    }

    /// Calls one closure with each stretch of text between tokens and another with each token.
    func split(
        _ text: UnsafeBufferPointer<UInt8>, in range: Range<Int>, templates: TemplateRanges,
        gap: (Range<Int>) -> Void, token: (AddedToken) -> Void
    ) {
        var gapStart = range.lowerBound
        var position = range.lowerBound
        var templateIndex = templates.index(around: position)
        while position < range.upperBound {
            let templateEnd = templates.end(around: position, index: &templateIndex)
            if templateEnd <= position, !hasPlainTokens {
                // Content: nothing can match before the next template text.
                position = min(
                    templates.start(after: position, index: templateIndex), range.upperBound)
                continue
            }
            guard
                let found = match(
                    in: text, at: position, end: range.upperBound, templateEnd: templateEnd)
            else {
                position += 1
                continue
            }
            if found.token.isSingleWord,
                Self.isWordCharacter(before: position, in: text, from: range.lowerBound)
                    || Self.isWordCharacter(at: found.end, in: text, to: range.upperBound)
            {
                position = found.end
                continue
            }
            var start = position
            var end = found.end
            if found.token.stripsLeft {
                while start > gapStart {
                    let before = UTF8Text.characterStart(text, before: start)
                    guard before >= gapStart, Self.isWhitespace(at: before, in: text) else { break }
                    start = before
                }
            }
            if found.token.stripsRight {
                while end < range.upperBound, Self.isWhitespace(at: end, in: text) {
                    end = UTF8Text.decode(text, at: end).end
                }
            }
            if start > gapStart { gap(gapStart..<start) }
            token(found.token)
            gapStart = end
            position = end
        }
        if gapStart < range.upperBound { gap(gapStart..<range.upperBound) }
    }

    private static func isWhitespace(
        at position: Int, in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        Unicode.Scalar(UTF8Text.decode(text, at: position).scalar)?.properties.isWhitespace ?? false
    }

    private static func isWordCharacter(
        before position: Int, in text: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Bool {
        guard position > start else { return false }
        let before = UTF8Text.characterStart(text, before: position)
        return ScalarSet.isWordCharacter(UTF8Text.decode(text, at: before).scalar)
    }

    private static func isWordCharacter(
        at position: Int, in text: UnsafeBufferPointer<UInt8>, to end: Int
    ) -> Bool {
        position < end && ScalarSet.isWordCharacter(UTF8Text.decode(text, at: position).scalar)
    }
}

/// Which parts of a text are template text: sorted ranges that neither touch nor overlap.
struct TemplateRanges: Sendable, Hashable {
    private(set) var ranges: [Range<Int>] = []

    init() {}

    init(_ range: Range<Int>) {
        append(range)
    }

    /// Appends a range behind the others, joining it with the last where they touch.
    mutating func append(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        if let last = ranges.indices.last, ranges[last].upperBound >= range.lowerBound {
            ranges[last] = ranges[last].lowerBound..<max(ranges[last].upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }

    /// The index of the first range that ends behind a position.
    func index(around position: Int) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What of the ranges lies in a part of the text, counted from the part's start.
    func clamped(to part: Range<Int>) -> TemplateRanges {
        var clamped = TemplateRanges()
        var index = index(around: part.lowerBound)
        while index < ranges.count, ranges[index].lowerBound < part.upperBound {
            let range = ranges[index].clamped(to: part)
            clamped.append(range.lowerBound - part.lowerBound..<range.upperBound - part.lowerBound)
            index += 1
        }
        return clamped
    }

    /// The end of the template text around a position, or 0 in content.
    ///
    /// The index remembers the place; positions must not go back.
    @inline(__always)
    func end(around position: Int, index: inout Int) -> Int {
        while index < ranges.count, ranges[index].upperBound <= position { index += 1 }
        guard index < ranges.count, ranges[index].lowerBound <= position else { return 0 }
        return ranges[index].upperBound
    }

    /// Where template text starts next after a position in content.
    func start(after position: Int, index: Int) -> Int {
        index < ranges.count ? ranges[index].lowerBound : .max
    }
}

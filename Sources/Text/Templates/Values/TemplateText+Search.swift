extension TemplateText {
    /// The first place of a pattern at or after an offset.
    ///
    /// - Complexity: Linear in the length of the text, whatever the pattern.
    func firstRange(of pattern: [UInt8], from start: Int = 0) -> Range<Int>? {
        var searcher = TemplateSearcher(pattern)
        return searcher.next(in: bytes, from: start)
    }

    /// All places of a pattern that do not overlap, from the start, as many as allowed.
    func ranges(of pattern: [UInt8], atMost limit: Int = .max) -> [Range<Int>] {
        var searcher = TemplateSearcher(pattern)
        var ranges: [Range<Int>] = []
        var start = 0
        while ranges.count < limit, let range = searcher.next(in: bytes, from: start) {
            ranges.append(range)
            start = range.upperBound
        }
        return ranges
    }

    /// All places of a pattern that do not overlap, from the end, as many as allowed; the last one
    /// in the text comes first.
    func rangesFromEnd(of pattern: [UInt8], atMost limit: Int = .max) -> [Range<Int>] {
        var searcher = TemplateSearcher(pattern.reversed())
        let mirrored = [UInt8](bytes.reversed())
        var ranges: [Range<Int>] = []
        var start = 0
        while ranges.count < limit, let range = searcher.next(in: mirrored, from: start) {
            ranges.append(bytes.count - range.upperBound..<bytes.count - range.lowerBound)
            start = range.upperBound
        }
        return ranges
    }

    func hasPrefix(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }

    func hasSuffix(_ suffix: [UInt8]) -> Bool {
        suffix.count <= bytes.count && bytes[(bytes.count - suffix.count)...].elementsEqual(suffix)
    }

    // MARK: Stripping

    enum Ends {
        case start, end, both
    }

    /// The text without the code points at its ends that belong to a set.
    func stripped(_ ends: Ends, where belongs: (Unicode.Scalar) -> Bool) -> TemplateText {
        var start = 0
        var end = bytes.count
        if ends != .end {
            while start < end {
                let (scalar, length) = Self.decode(bytes, at: start)
                guard belongs(scalar) else { break }
                start += length
            }
        }
        if ends != .start {
            while end > start {
                let (scalar, length) = Self.decode(bytes, before: end)
                guard belongs(scalar) else { break }
                end -= length
            }
        }
        return self[start..<end]
    }

    /// The text without certain code points at its ends; without whitespace if none are given.
    func stripped(_ ends: Ends, of characters: TemplateText?) -> TemplateText {
        guard let characters else { return stripped(ends) { $0.isTemplateSpace } }
        let set = Set(characters.string.unicodeScalars)
        return stripped(ends) { set.contains($0) }
    }

    // MARK: Splitting

    /// The words between whitespace, with the rest as the last one after `limit` splits.
    func words(atMost limit: Int) -> [TemplateText] {
        var words: [TemplateText] = []
        var offset = 0
        while true {
            offset = end(from: offset) { $0.isTemplateSpace }
            guard offset < bytes.count else { return words }
            if words.count == limit {
                words.append(
                    self[offset..<bytes.count].stripped(.end, where: \.isTemplateSpace))
                return words
            }
            let wordEnd = end(from: offset) { !$0.isTemplateSpace }
            words.append(self[offset..<wordEnd])
            offset = wordEnd
        }
    }

    /// The words between whitespace, with the rest as the first one after `limit` splits.
    func wordsFromEnd(atMost limit: Int) -> [TemplateText] {
        var words: [TemplateText] = []
        var offset = bytes.count
        while true {
            offset = start(before: offset) { $0.isTemplateSpace }
            guard offset > 0 else { break }
            if words.count == limit {
                words.append(self[0..<offset].stripped(.start, where: \.isTemplateSpace))
                break
            }
            let wordStart = start(before: offset) { !$0.isTemplateSpace }
            words.append(self[wordStart..<offset])
            offset = wordStart
        }
        return words.reversed()
    }

    /// Where code points that belong together end.
    func end(from offset: Int, while belongs: (Unicode.Scalar) -> Bool) -> Int {
        var end = offset
        while end < bytes.count {
            let (scalar, length) = Self.decode(bytes, at: end)
            guard belongs(scalar) else { break }
            end += length
        }
        return end
    }

    private func start(before offset: Int, while belongs: (Unicode.Scalar) -> Bool) -> Int {
        var start = offset
        while start > 0 {
            let (scalar, length) = Self.decode(bytes, before: start)
            guard belongs(scalar) else { break }
            start -= length
        }
        return start
    }

    /// The parts between ranges.
    func parts(between ranges: [Range<Int>]) -> [TemplateText] {
        var parts: [TemplateText] = []
        parts.reserveCapacity(ranges.count + 1)
        var start = 0
        for range in ranges {
            parts.append(self[start..<range.lowerBound])
            start = range.upperBound
        }
        parts.append(self[start..<bytes.count])
        return parts
    }

    /// The lines, as `str.splitlines` of Python has them.
    func lines(keepingEnds: Bool = false) -> [TemplateText] {
        var lines: [TemplateText] = []
        var start = 0
        while start < bytes.count {
            let lineEnd = end(from: start) { !$0.isTemplateLineEnd }
            var next = lineEnd
            if lineEnd < bytes.count {
                next += Self.decode(bytes, at: lineEnd).length
                if bytes[lineEnd] == 0x0D, next < bytes.count, bytes[next] == 0x0A { next += 1 }
            }
            lines.append(self[start..<(keepingEnds ? next : lineEnd)])
            start = next
        }
        return lines
    }

    /// Texts one after the other with this one between them.
    func joining(_ texts: [TemplateText]) -> TemplateText {
        var result = TemplateText()
        result.reserveCapacity(
            texts.reduce(0) { $0 + $1.count } + max(texts.count - 1, 0) * bytes.count)
        for (index, text) in texts.enumerated() {
            if index > 0 { result.append(self) }
            result.append(text)
        }
        return result
    }
}

/// Looks for a pattern in bytes in linear time (Knuth, Morris and Pratt, 1977).
private struct TemplateSearcher {
    private let pattern: [UInt8]
    /// For each length of a match, the longest shorter match it ends with. Made when needed.
    private var fallback: [Int] = []

    init(_ pattern: [UInt8]) {
        self.pattern = pattern
    }

    mutating func next(in bytes: [UInt8], from start: Int) -> Range<Int>? {
        guard let first = pattern.first else {
            return start <= bytes.count ? start..<start : nil
        }
        guard bytes.count - start >= pattern.count else { return nil }
        if pattern.count == 1 {
            return bytes[start...].firstIndex(of: first).map { $0..<$0 + 1 }
        }
        if fallback.isEmpty { prepare() }
        var matched = 0
        var index = start
        while index < bytes.count {
            if matched == 0 {
                guard let candidate = bytes[index...].firstIndex(of: first) else { return nil }
                index = candidate + 1
                matched = 1
                continue
            }
            if bytes[index] == pattern[matched] {
                matched += 1
                index += 1
                if matched == pattern.count { return index - matched..<index }
            } else {
                matched = fallback[matched - 1]
            }
        }
        return nil
    }

    private mutating func prepare() {
        fallback = Array(repeating: 0, count: pattern.count)
        var matched = 0
        for index in 1..<pattern.count {
            while matched > 0, pattern[index] != pattern[matched] {
                matched = fallback[matched - 1]
            }
            if pattern[index] == pattern[matched] { matched += 1 }
            fallback[index] = matched
        }
    }
}

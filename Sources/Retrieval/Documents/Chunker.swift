/// A passage of a document.
public struct Passage: Sendable, Hashable {
    /// Its lines, counted from 1.
    public let lines: ClosedRange<Int>
    /// Its bytes in the document; whole lines, unless a line alone is too long.
    public let bytes: Range<Int>
}

/// Cuts documents into passages of a bounded number of tokens.
///
/// A passage ends at the best place in the second half of what fits: before a definition of source
/// code, between paragraphs, else between lines. Headings of Markdown always begin a passage. Where
/// a passage had to be cut within a section, the next one repeats its last lines. A line that does
/// not fit is cut between words. Passages hold every line that is not blank.
package struct Chunker {
    /// The most tokens of a passage.
    package let tokenLimit: Int
    /// The most tokens of what is repeated.
    package let overlapTokens: Int
    package let countTokens: (String) -> Int

    package init(
        tokenLimit: Int, overlapTokens: Int, countTokens: @escaping (String) -> Int
    ) {
        self.tokenLimit = tokenLimit
        self.overlapTokens = overlapTokens
        self.countTokens = countTokens
    }

    package func passages(of bytes: [UInt8], kind: DocumentKind) -> [Passage] {
        let document = DocumentLines(bytes, kind: kind)
        // With the newline, which is a token to some models.
        let counts = document.lines.map { line in
            countTokens(document.text(bytes: line.bytes) + "\n")
        }
        var passages: [Passage] = []
        var start = 0
        var written = 0
        while start < document.lines.count {
            if document.lines[start].isBlank {
                start += 1
                continue
            }
            if counts[start] > tokenLimit {
                passages += parts(of: start, document)
                start += 1
                written = start
                continue
            }
            let end = end(of: start, document, counts)
            if end > written {
                passages.append(passage(start..<end, document))
                written = end
            }
            start = max(start + 1, overlapStart(start..<end, document, counts))
        }
        return passages
    }

    /// Where the passage that begins at a line ends.
    private func end(of start: Int, _ document: DocumentLines, _ counts: [Int]) -> Int {
        var total = 0
        var end = start
        var hasText = false
        while end < document.lines.count, total + counts[end] <= tokenLimit {
            if document.lines[end].cut == .heading, hasText { return end }
            if !document.lines[end].isBlank, !document.isHeading(end) { hasText = true }
            total += counts[end]
            end += 1
        }
        guard end < document.lines.count else { return end }
        if document.lines[end].cut == .heading, hasText { return end }
        // The latest of the best cuts that leave at least half of what fits.
        var best = end
        var rest = total
        for candidate in stride(from: end - 1, to: start, by: -1) {
            rest -= counts[candidate]
            guard rest * 2 >= tokenLimit else { break }
            if document.lines[candidate].cut > document.lines[best].cut { best = candidate }
        }
        return best
    }

    /// Where the passage behind one begins: some lines before its end, if it was cut in a section.
    private func overlapStart(
        _ lines: Range<Int>, _ document: DocumentLines, _ counts: [Int]
    ) -> Int {
        let end = lines.upperBound
        guard end < document.lines.count, document.lines[end].cut < .definition else { return end }
        var start = end
        var total = 0
        while start - 1 > lines.lowerBound, total + counts[start - 1] <= overlapTokens,
            document.lines[start].cut != .heading || start == end
        {
            start -= 1
            total += counts[start]
        }
        // A repetition that leaves no room for the next line would be repeated for ever.
        return total + counts[end] <= tokenLimit ? start : end
    }

    /// A passage of lines, without blank ones around it.
    private func passage(_ lines: Range<Int>, _ document: DocumentLines) -> Passage {
        var last = lines.upperBound - 1
        while last > lines.lowerBound, document.lines[last].isBlank { last -= 1 }
        return Passage(
            lines: (lines.lowerBound + 1)...(last + 1),
            bytes: document.lines[lines.lowerBound].bytes
                .lowerBound..<document.lines[last].bytes.upperBound)
    }

    /// A line that is too long, in parts that fit.
    private func parts(of line: Int, _ document: DocumentLines) -> [Passage] {
        var passages: [Passage] = []
        let bytes = document.bytes
        let lineEnd = document.lines[line].bytes.upperBound
        var start = document.lines[line].bytes.lowerBound
        while start < lineEnd {
            var end = min(lineEnd, start + tokenLimit * 8)
            while true {
                end = characterStart(end, bytes, lineEnd)
                let count = countTokens(document.text(bytes: start..<end))
                if count <= tokenLimit { break }
                // As much as would fit if tokens were alike, and at least a little less.
                let share = (end - start) * tokenLimit / count
                let shorter = start + max(1, min(share, (end - start) * 15 / 16))
                guard characterStart(shorter, bytes, lineEnd) < end else { break }
                end = shorter
            }
            if end < lineEnd { end = wordStart(end, after: start, bytes) }
            passages.append(Passage(lines: (line + 1)...(line + 1), bytes: start..<end))
            start = end
        }
        return passages
    }

    /// The first position from one on at which a character starts.
    private func characterStart(_ position: Int, _ bytes: [UInt8], _ end: Int) -> Int {
        var position = position
        while position < end, bytes[position] & 0xC0 == 0x80 { position += 1 }
        return position
    }

    /// The place behind the last space of the second half of a stretch, or its end.
    private func wordStart(_ end: Int, after start: Int, _ bytes: [UInt8]) -> Int {
        for position in stride(from: end, to: start + (end - start) / 2, by: -1)
        where bytes[position - 1] == 0x20 || bytes[position - 1] == 0x09 {
            return position
        }
        return end
    }
}

/// A document's text as lines, with what tells where it may be cut.
struct DocumentLines {
    /// How good a place before a line is for a cut; larger is better.
    enum Cut: Int, Comparable {
        /// Between any two lines.
        case line
        /// Behind a blank line.
        case paragraph
        /// Behind a blank line and before what is not indented, in source code.
        case definition
        /// Before a heading, where a new passage begins in any case.
        case heading

        static func < (a: Cut, b: Cut) -> Bool { a.rawValue < b.rawValue }
    }

    struct Line {
        /// Where its bytes are, without the newline.
        let bytes: Range<Int>
        let isBlank: Bool
        var cut: Cut
    }

    let bytes: [UInt8]
    private(set) var lines: [Line] = []

    /// Finds the lines of a text; a newline at the end begins no further line.
    init(_ bytes: [UInt8], kind: DocumentKind) {
        self.bytes = bytes
        var start = 0
        var wasBlank = true
        while start < bytes.count {
            let newline = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            var end = newline
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
            let text = bytes[start..<end]
            let isBlank = text.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0C }
            let isIndented = text.first.map { $0 == 0x20 || $0 == 0x09 } ?? false
            var cut = wasBlank ? Cut.paragraph : .line
            if kind == .code, wasBlank, !isBlank, !isIndented, !closesScope(text) {
                cut = .definition
            }
            lines.append(Line(bytes: start..<end, isBlank: isBlank, cut: cut))
            wasBlank = isBlank
            start = newline + 1
        }
        if kind == .markdown { markHeadings() }
    }

    /// The text of some lines, with the newlines between them.
    func text(_ range: Range<Int>) -> String {
        guard let first = range.first, let last = range.last else { return "" }
        return text(bytes: lines[first].bytes.lowerBound..<lines[last].bytes.upperBound)
    }

    func text(bytes range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private func closesScope(_ text: ArraySlice<UInt8>) -> Bool {
        text.first.map { "})]".utf8.contains($0) } ?? false
    }

    /// Finds the headings of Markdown, outside of fenced code (CommonMark 0.31, sections 4.2, 4.3).
    private mutating func markHeadings() {
        var fence: (byte: UInt8, count: Int)?
        for index in lines.indices {
            let text = trimmed(index)
            let run = text.first.map { byte in (byte, text.prefix { $0 == byte }.count) }
            if let open = fence {
                if let run, run.0 == open.byte, run.1 >= open.count, run.1 == text.count {
                    fence = nil
                }
                continue
            }
            guard let (byte, count) = run else { continue }
            if (byte == UInt8(ascii: "`") || byte == UInt8(ascii: "~")) && count >= 3 {
                fence = (byte, count)
            } else if byte == UInt8(ascii: "#"), count <= 6,
                count == text.count || text.dropFirst(count).first == 0x20
            {
                lines[index].cut = .heading
            } else if byte == UInt8(ascii: "=") || byte == UInt8(ascii: "-"), count == text.count,
                count >= 2, index > 0, !lines[index - 1].isBlank, lines[index - 1].cut != .line
            {
                // Underlined by this line, the only one of its paragraph.
                lines[index - 1].cut = .heading
            }
        }
    }

    /// A line without spaces around it.
    private func trimmed(_ index: Int) -> ArraySlice<UInt8> {
        var text = bytes[lines[index].bytes]
        while let first = text.first, first == 0x20 { text.removeFirst() }
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        return text
    }

    /// Whether a line is a heading or the underline of one.
    func isHeading(_ index: Int) -> Bool {
        lines[index].cut == .heading
            || index > 0 && lines[index - 1].cut == .heading && isUnderline(index)
    }

    private func isUnderline(_ index: Int) -> Bool {
        let text = trimmed(index)
        guard let first = text.first, first == UInt8(ascii: "=") || first == UInt8(ascii: "-")
        else { return false }
        return text.allSatisfy { $0 == first }
    }
}

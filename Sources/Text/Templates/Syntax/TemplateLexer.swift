/// Splits the source of a template into text, tags and the tokens inside them.
///
/// Whitespace around tags is treated as Jinja does with `trim_blocks` and `lstrip_blocks`, the
/// setting chat templates are written for: the newline after a block tag or comment goes, the
/// indentation before one goes, and `-` and `+` inside the delimiters overrule both.
struct TemplateLexer {
    let source: [UInt8]
    var position = 0
    var line = 1
    var tokens: [TemplateToken] = []
    /// Whether what was read last ended a line.
    private var isLineStart = true

    /// What begins after the text between tags.
    private enum Tag {
        case variable, block, comment, raw
    }

    /// How whitespace before a tag is treated.
    private enum Strip {
        case all, indentation, nothing
    }

    private init(_ source: String) {
        self.source = Self.withUnixNewlines(source)
    }

    /// Reads a whole source; the last token is `end`.
    static func tokens(of source: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(source)
        while lexer.position < lexer.source.count {
            try lexer.readTextAndTag()
        }
        lexer.add(.end)
        return lexer.tokens
    }

    /// The source with `\n` for every kind of newline, and without the last one.
    private static func withUnixNewlines(_ source: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.utf8.count)
        var followsReturn = false
        for byte in source.utf8 {
            if byte == UInt8(ascii: "\r") {
                bytes.append(UInt8(ascii: "\n"))
            } else if !(byte == UInt8(ascii: "\n") && followsReturn) {
                bytes.append(byte)
            }
            followsReturn = byte == UInt8(ascii: "\r")
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return bytes
    }

    func byte(at offset: Int) -> UInt8? {
        offset < source.count ? source[offset] : nil
    }

    func has(_ text: StaticString, at offset: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard offset + length <= source.count else { return false }
        return text.withUTF8Buffer { buffer in
            source[offset..<offset + length].elementsEqual(buffer)
        }
    }

    mutating func add(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    /// Moves on, counting lines.
    mutating func advance(to end: Int) {
        for index in position..<end where source[index] == UInt8(ascii: "\n") { line += 1 }
        if end > position { isLineStart = source[end - 1] == UInt8(ascii: "\n") }
        position = end
    }

    /// Where whitespace that begins at an offset ends.
    func endOfSpace(from offset: Int) -> Int {
        var end = offset
        while end < source.count {
            let (scalar, length) = TemplateText.decode(source, at: end)
            guard scalar.isTemplateSpace else { break }
            end += length
        }
        return end
    }

    private mutating func readTextAndTag() throws(TemplateError) {
        let start = position
        var offset = start
        while offset < source.count {
            if source[offset] == UInt8(ascii: "{"), let (tag, begin) = tag(at: offset) {
                addText(start..<offset, strip: begin.strip)
                advance(to: begin.end)
                switch tag {
                case .variable:
                    add(.variableBegin)
                    try readExpressionTokens(inBlock: false)
                case .block:
                    add(.blockBegin)
                    try readExpressionTokens(inBlock: true)
                case .comment: try skipComment()
                case .raw: try readRaw()
                }
                return
            }
            offset += 1
        }
        addText(start..<offset, strip: .nothing)
        advance(to: offset)
    }

    /// The tag that begins at a brace, where it ends its opening, and how it treats text before it.
    private func tag(at offset: Int) -> (Tag, (end: Int, strip: Strip))? {
        let tag: Tag
        switch byte(at: offset + 1) {
        case UInt8(ascii: "{"): tag = .variable
        case UInt8(ascii: "%"): tag = .block
        case UInt8(ascii: "#"): tag = .comment
        default: return nil
        }
        var end = offset + 2
        let strip: Strip
        switch byte(at: end) {
        case UInt8(ascii: "-"):
            strip = .all
            end += 1
        case UInt8(ascii: "+"):
            strip = .nothing
            end += 1
        default: strip = tag == .variable ? .nothing : .indentation
        }
        guard tag == .block, let endOfRaw = endOfRawTag(from: end) else {
            return (tag, (end, strip))
        }
        return (.raw, (endOfRaw, strip))
    }

    /// Where `raw %}` ends, if that is what stands at an offset.
    private func endOfRawTag(from offset: Int) -> Int? {
        var end = endOfSpace(from: offset)
        guard has("raw", at: end) else { return nil }
        end = endOfSpace(from: end + 3)
        if has("-%}", at: end) { return endOfSpace(from: end + 3) }
        return has("%}", at: end) ? end + 2 : nil
    }

    /// Adds the text before a tag, without the whitespace the tag takes away.
    private mutating func addText(_ range: Range<Int>, strip: Strip) {
        var end = range.upperBound
        switch strip {
        case .nothing: break
        case .all:
            while end > range.lowerBound {
                let (scalar, length) = TemplateText.decode(source, before: end)
                guard scalar.isTemplateSpace else { break }
                end -= length
            }
        case .indentation:
            var start = range.upperBound
            while start > range.lowerBound, source[start - 1] != UInt8(ascii: "\n") { start -= 1 }
            let beginsLine = start > range.lowerBound || isLineStart
            if beginsLine, endOfSpace(from: start) >= range.upperBound { end = start }
        }
        if end > range.lowerBound { add(.data(Array(source[range.lowerBound..<end]))) }
        advance(to: range.upperBound)
    }

    /// Where the closing of a tag ends that may begin at an offset: `%}`, `-%}` or `+%}`.
    ///
    /// A plain closing of a block or comment takes the newline after it.
    func endOfClosing(
        _ closing: StaticString, _ stripping: StaticString, _ keeping: StaticString, at offset: Int
    ) -> Int? {
        if has(keeping, at: offset) { return offset + 3 }
        if has(stripping, at: offset) { return endOfSpace(from: offset + 3) }
        guard has(closing, at: offset) else { return nil }
        return byte(at: offset + 2) == UInt8(ascii: "\n") ? offset + 3 : offset + 2
    }

    private mutating func skipComment() throws(TemplateError) {
        let opening = line
        var offset = position
        while offset < source.count {
            if let end = endOfClosing("#}", "-#}", "+#}", at: offset) {
                advance(to: end)
                return
            }
            offset += 1
        }
        throw TemplateError(
            .syntax, "a comment is not closed", line: opening, remedy: "end it with '#}'")
    }

    private mutating func readRaw() throws(TemplateError) {
        let opening = line
        let start = position
        var offset = start
        while offset < source.count {
            if has("{%", at: offset) {
                var end = offset + 2
                let sign = byte(at: end)
                let strip: Strip =
                    sign == UInt8(ascii: "-")
                    ? .all : sign == UInt8(ascii: "+") ? .nothing : .indentation
                if strip != .indentation { end += 1 }
                end = endOfSpace(from: end)
                if has("endraw", at: end),
                    let close = endOfClosing("%}", "-%}", "+%}", at: endOfSpace(from: end + 6))
                {
                    addText(start..<offset, strip: strip)
                    advance(to: close)
                    return
                }
            }
            offset += 1
        }
        throw TemplateError(
            .syntax, "a raw block is not closed", line: opening, remedy: "end it with 'endraw'")
    }
}

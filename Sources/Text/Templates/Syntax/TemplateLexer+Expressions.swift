extension TemplateLexer {
    /// Reads the tokens of a tag up to and with its end.
    mutating func readExpressionTokens(inBlock: Bool) throws(TemplateError) {
        let opening = line
        var brackets: [TemplateToken.Symbol] = []
        while position < source.count {
            if brackets.isEmpty, let end = endOfTag(inBlock: inBlock) {
                add(inBlock ? .blockEnd : .variableEnd)
                advance(to: end)
                return
            }
            let afterSpace = endOfSpace(from: position)
            if afterSpace > position {
                advance(to: afterSpace)
                continue
            }
            let first = source[position]
            switch first {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
            case UInt8(ascii: "'"), UInt8(ascii: "\""): try readString(quote: first)
            default:
                if let end = endOfName() {
                    add(.name(String(decoding: source[position..<end], as: UTF8.self)))
                    advance(to: end)
                } else {
                    try readSymbol(&brackets)
                }
            }
        }
        throw TemplateError(
            .syntax, "a tag is not closed", line: opening,
            remedy: inBlock ? "end it with '%}'" : "end it with '}}'")
    }

    private func endOfTag(inBlock: Bool) -> Int? {
        if inBlock { return endOfClosing("%}", "-%}", "+%}", at: position) }
        if has("-}}", at: position) { return endOfSpace(from: position + 3) }
        return has("}}", at: position) ? position + 2 : nil
    }

    private mutating func readSymbol(_ brackets: inout [TemplateToken.Symbol]) throws(TemplateError)
    {
        let rest = source[position..<min(position + 2, source.count)]
        let found = TemplateToken.Symbol.allCases.first { rest.starts(with: $0.rawValue.utf8) }
        guard let symbol = found else {
            let (scalar, _) = TemplateText.decode(source, at: position)
            throw TemplateError(.syntax, "unexpected character '\(scalar)'", line: line)
        }
        if let closing = symbol.closing {
            brackets.append(closing)
        } else if symbol.isClosing {
            guard let expected = brackets.popLast() else {
                throw TemplateError(
                    .syntax, "'\(symbol.rawValue)' closes nothing", line: line)
            }
            guard expected == symbol else {
                throw TemplateError(
                    .syntax, "found '\(symbol.rawValue)' where '\(expected.rawValue)' must close",
                    line: line)
            }
        }
        add(.symbol(symbol))
        advance(to: position + symbol.rawValue.utf8.count)
    }

    /// Where the name ends that begins here, or nil if none does.
    private func endOfName() -> Int? {
        var end = position
        while end < source.count {
            let (scalar, length) = TemplateText.decode(source, at: end)
            let belongs =
                end == position
                ? scalar == "_" || scalar.properties.isXIDStart
                : scalar == "_" || scalar.properties.isXIDContinue
            guard belongs else { break }
            end += length
        }
        return end > position ? end : nil
    }

    // MARK: Numbers

    /// Where digits with single underscores between them end; nil if none begin at the offset.
    private func endOfDigits(from start: Int, _ isDigit: (UInt8) -> Bool) -> Int? {
        var end = start
        guard let first = byte(at: end), isDigit(first) else { return nil }
        end += 1
        while let next = byte(at: end) {
            if isDigit(next) {
                end += 1
            } else if next == UInt8(ascii: "_"), let after = byte(at: end + 1), isDigit(after) {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    private static func isDecimal(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private mutating func readNumber() throws(TemplateError) {
        let followsDot = position > 0 && source[position - 1] == UInt8(ascii: ".")
        if !followsDot, let end = endOfNumber() {
            guard let value = Double(digits(position..<end)) else {
                throw TemplateError(.syntax, "malformed number", line: line)
            }
            add(.number(value))
            advance(to: end)
            return
        }
        let (end, radix) = endOfInteger()
        let text = digits((radix == 10 ? position : position + 2)..<end)
        guard let value = Int(text, radix: radix) else {
            throw TemplateError(
                .syntax, "the integer \(text) has more than 64 bits", line: line,
                remedy: "integers reach to \(Int.max)")
        }
        add(.integer(value))
        advance(to: end)
    }

    private func digits(_ range: Range<Int>) -> String {
        String(decoding: source[range].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    }

    /// Where a number with a fraction or an exponent ends; nil if there is only an integer.
    private func endOfNumber() -> Int? {
        guard let integerEnd = endOfDigits(from: position, Self.isDecimal) else { return nil }
        var end = integerEnd
        if byte(at: end) == UInt8(ascii: "."),
            let fractionEnd = endOfDigits(from: end + 1, Self.isDecimal)
        {
            end = fractionEnd
        }
        if let mark = byte(at: end), mark | 0x20 == UInt8(ascii: "e") {
            var exponent = end + 1
            if let sign = byte(at: exponent), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
            {
                exponent += 1
            }
            if let exponentEnd = endOfDigits(from: exponent, Self.isDecimal) { end = exponentEnd }
        }
        return end > integerEnd ? end : nil
    }

    private func endOfInteger() -> (end: Int, radix: Int) {
        if source[position] == UInt8(ascii: "0") {
            let digitsOf: (UInt8) -> Bool
            let radix: Int
            switch byte(at: position + 1).map({ $0 | 0x20 }) {
            case UInt8(ascii: "b"):
                radix = 2
                digitsOf = { $0 == 0x30 || $0 == 0x31 }
            case UInt8(ascii: "o"):
                radix = 8
                digitsOf = { $0 >= 0x30 && $0 <= 0x37 }
            case UInt8(ascii: "x"):
                radix = 16
                digitsOf = { Self.isDecimal($0) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) }
            default:
                return (endOfDigits(from: position) { $0 == 0x30 } ?? position + 1, 10)
            }
            // An underscore may stand between the prefix and the digits.
            let start = position + (byte(at: position + 2) == UInt8(ascii: "_") ? 3 : 2)
            if let end = endOfDigits(from: start, digitsOf) { return (end, radix) }
            return (position + 1, 10)
        }
        return (endOfDigits(from: position, Self.isDecimal) ?? position + 1, 10)
    }

    // MARK: Strings

    private mutating func readString(quote: UInt8) throws(TemplateError) {
        var text: [UInt8] = []
        var offset = position + 1
        while let next = byte(at: offset) {
            if next == quote {
                add(.string(text))
                advance(to: offset + 1)
                return
            }
            if next == UInt8(ascii: "\\") {
                offset = try readEscape(at: offset + 1, into: &text)
            } else {
                text.append(next)
                offset += 1
            }
        }
        throw TemplateError(.syntax, "a string is not closed", line: line)
    }

    /// Reads what follows a backslash as Python does; gives the offset after it.
    private func readEscape(
        at offset: Int, into text: inout [UInt8]
    ) throws(TemplateError) -> Int {
        guard let kind = byte(at: offset) else { return offset }
        switch kind {
        case UInt8(ascii: "\n"): break
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(kind)
        case UInt8(ascii: "a"): text.append(0x07)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "v"): text.append(0x0B)
        case UInt8(ascii: "x"): return try readCode(at: offset + 1, digits: 2, into: &text)
        case UInt8(ascii: "u"): return try readCode(at: offset + 1, digits: 4, into: &text)
        case UInt8(ascii: "U"): return try readCode(at: offset + 1, digits: 8, into: &text)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var end = offset
            var value: UInt32 = 0
            while end < offset + 3, let digit = byte(at: end), digit & 0xF8 == 0x30 {
                value = value * 8 + UInt32(digit & 7)
                end += 1
            }
            try append(scalar: value, to: &text)
            return end
        case UInt8(ascii: "N"):
            throw TemplateError.unsupported("a character by name, '\\N{…}',", line: line)
        case 0x80...:
            // Python turns the character into an escape first, whose backslash this one then quotes.
            let (scalar, length) = TemplateText.decode(source, at: offset)
            text.append(UInt8(ascii: "\\"))
            text.append(contentsOf: Self.escape(scalar).utf8)
            return offset + length
        default:
            text.append(UInt8(ascii: "\\"))
            text.append(kind)
        }
        return offset + 1
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let hexadecimal = String(scalar.value, radix: 16)
        let (mark, width) =
            scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
        return mark + String(repeating: "0", count: width - hexadecimal.count) + hexadecimal
    }

    private func readCode(
        at offset: Int, digits: Int, into text: inout [UInt8]
    ) throws(TemplateError) -> Int {
        var value: UInt32 = 0
        for index in offset..<offset + digits {
            guard let byte = byte(at: index),
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else {
                throw TemplateError(
                    .syntax, "an escape in a string needs \(digits) hexadecimal digits", line: line)
            }
            value = value << 4 | UInt32(digit)
        }
        try append(scalar: value, to: &text)
        return offset + digits
    }

    private func append(scalar value: UInt32, to text: inout [UInt8]) throws(TemplateError) {
        guard let scalar = Unicode.Scalar(value) else {
            throw TemplateError(
                .syntax, "an escape in a string names no character: \(String(value, radix: 16))",
                line: line)
        }
        text.append(contentsOf: UTF8.encode(scalar)?.map { $0 } ?? [])
    }
}

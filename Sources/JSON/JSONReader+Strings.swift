extension JSONReader {
    /// Reads a string from its opening to its closing quote, checking UTF-8 and escapes.
    mutating func readString() throws(JSONError) -> RawString {
        let start = offset + 1
        var position = start
        var hasEscapes = false
        while true {
            position = endOfPlainASCII(from: position)
            guard position < bytes.count else {
                advance(to: position)
                throw unexpected("'\"' at the end of the string")
            }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                advance(to: position + 1)
                return RawString(range: start..<position, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position = try checkedEscape(at: position).end
            case 0..<0x20:
                advance(to: position)
                throw unexpected("no control character in a string; write it as an escape")
            default:
                guard let length = UTF8Check.sequenceLength(in: bytes, at: position) else {
                    throw error(.invalidUTF8, at: position)
                }
                position += length
            }
        }
    }

    /// The text of a string that was read.
    package func text(_ raw: RawString) -> String {
        if raw.hasEscapes {
            var text: [UInt8] = []
            appendBytes(of: raw, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
        return String(decoding: bytes[raw.range], as: UTF8.self)
    }

    /// Appends the text of a string that was read, as UTF-8.
    package func appendBytes(of raw: RawString, to text: inout [UInt8]) {
        guard raw.hasEscapes else {
            text.append(contentsOf: bytes[raw.range])
            return
        }
        text.reserveCapacity(text.count + raw.range.count)
        var position = raw.range.lowerBound
        while position < raw.range.upperBound {
            // The string was checked when it was read, so a bad escape cannot occur here.
            if bytes[position] == UInt8(ascii: "\\"),
                let escape = try? checkedEscape(at: position)
            {
                text.append(contentsOf: Unicode.UTF8.encode(escape.scalar) ?? .init())
                position = escape.end
            } else {
                text.append(bytes[position])
                position += 1
            }
        }
    }

    /// Whether a string that was read says exactly this.
    package func isEqual(_ raw: RawString, _ other: StaticString) -> Bool {
        guard !raw.hasEscapes else { return text(raw) == "\(other)" }
        return raw.range.count == other.utf8CodeUnitCount
            && bytes[raw.range].elementsEqual(
                UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }

    /// The first place at or after `position` that is not an ordinary ASCII character of a string.
    private func endOfPlainASCII(from position: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let base = UnsafeRawBufferPointer(bytes)
        var position = position
        // Eight bytes at a time: a byte's high bit gets set where it is a quote, a backslash,
        // below 0x20 or above 0x7F. Borrows can only raise false alarms in later bytes, and then
        // the loop below looks again one by one.
        while position + 8 <= bytes.count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            let marks =
                (quote &- ones) | (backslash &- ones) | (word &- ones &* 0x20) | word
            guard marks & highs == 0 else { break }
            position += 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"")
                || byte == UInt8(ascii: "\\")
            {
                break
            }
            position += 1
        }
        return position
    }

    /// The character an escape stands for and the place after it.
    private func checkedEscape(
        at position: Int
    ) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
        func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

        switch byte(position + 1) {
        case UInt8(ascii: "\""): return ("\"", position + 2)
        case UInt8(ascii: "\\"): return ("\\", position + 2)
        case UInt8(ascii: "/"): return ("/", position + 2)
        case UInt8(ascii: "b"): return ("\u{8}", position + 2)
        case UInt8(ascii: "f"): return ("\u{C}", position + 2)
        case UInt8(ascii: "n"): return ("\n", position + 2)
        case UInt8(ascii: "r"): return ("\r", position + 2)
        case UInt8(ascii: "t"): return ("\t", position + 2)
        case UInt8(ascii: "u"):
            let first = try codeUnit(at: position + 2)
            if let scalar = Unicode.Scalar(first) { return (scalar, position + 6) }
            guard first < 0xDC00, byte(position + 6) == UInt8(ascii: "\\"),
                byte(position + 7) == UInt8(ascii: "u")
            else {
                throw error(.loneSurrogate, at: position)
            }
            let second = try codeUnit(at: position + 8)
            guard (0xDC00..<0xE000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            else {
                throw error(.loneSurrogate, at: position)
            }
            return (scalar, position + 12)
        default:
            throw error(
                .unexpected(
                    found: "an unknown escape",
                    expected: #"one of \" \\ \/ \b \f \n \r \t \uXXXX"#), at: position)
        }
    }

    /// The four hexadecimal digits of a `\u` escape.
    private func codeUnit(at position: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for index in position..<position + 4 {
            guard index < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue,
                bytes[index] < 0x80
            else {
                throw error(
                    .unexpected(
                        found: "an incomplete \\u escape", expected: "four hexadecimal digits"),
                    at: min(index, bytes.count))
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

/// Well-formed UTF-8 as table 3-7 of the Unicode Standard defines it.
enum UTF8Check {
    /// The length of the sequence that starts at a place, or nil where none is well-formed.
    static func sequenceLength(in bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int? {
        let remaining = bytes.count - position
        guard remaining > 0 else { return nil }
        let lead = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0..<0x80: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            second = 0xA0...0xBF
        case 0xED:
            length = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0:
            length = 4
            second = 0x90...0xBF
        case 0xF1...0xF3: length = 4
        case 0xF4:
            length = 4
            second = 0x80...0x8F
        default: return nil
        }
        guard remaining >= length, second.contains(bytes[position + 1]) else { return nil }
        if length > 2, bytes[position + 2] & 0xC0 != 0x80 { return nil }
        if length > 3, bytes[position + 3] & 0xC0 != 0x80 { return nil }
        return length
    }
}

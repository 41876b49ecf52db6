import FathomText

/// The terms of a text, for search by words.
///
/// A term is a run of letters, marks and digits, in lower case and without the accents that Latin,
/// Greek and Cyrillic letters carry. Ideographs and kana are terms one by one. Of an identifier
/// such as `readFileLine` the parts are terms beside the whole.
package struct TermScanner {
    /// Longer runs are data, not words.
    static let longestTerm = 64

    /// Calls a closure with every term, in order.
    package static func forEachTerm(of text: String, _ body: (String) -> Void) {
        var text = text
        var scanner = TermScanner()
        let isASCII = text.withUTF8 { bytes in
            guard bytes.allSatisfy({ $0 < 0x80 }) else { return false }
            for byte in bytes { scanner.take(ascii: byte, body) }
            return true
        }
        if !isASCII {
            // Accents become marks of their own, which are dropped.
            let decomposed = CanonicalForm.normalized(text, composing: false)
            for scalar in decomposed.unicodeScalars {
                if scalar.isASCII {
                    scanner.take(ascii: UInt8(truncatingIfNeeded: scalar.value), body)
                } else {
                    scanner.take(scalar, body)
                }
            }
        }
        scanner.finish(body)
    }

    private enum Kind { case lower, upper, digit, other }

    /// The term so far, as it is written and in lower case, in UTF-8.
    private var term: [UInt8] = []
    /// Where its parts begin.
    private var partStarts: [Int] = []
    private var last = Kind.other
    private var lastStart = 0
    private var length = 0

    @inline(__always)
    private mutating func take(ascii byte: UInt8, _ body: (String) -> Void) {
        switch byte {
        case 0x61...0x7A: append(byte, .lower)
        case 0x41...0x5A: append(byte | 0x20, .upper)
        case 0x30...0x39: append(byte, .digit)
        default: finish(body)
        }
    }

    private mutating func append(_ byte: UInt8, _ kind: Kind) {
        mark(kind)
        term.append(byte)
    }

    /// Notes where a part begins: at a capital behind a small letter or a digit, and at the last of
    /// several capitals before a small letter.
    private mutating func mark(_ kind: Kind) {
        if !term.isEmpty {
            if kind == .upper, last == .lower || last == .digit {
                partStarts.append(term.count)
            } else if kind == .lower, last == .upper, lastStart > (partStarts.last ?? 0) {
                partStarts.append(lastStart)
            }
        }
        lastStart = term.count
        last = kind
        length += 1
    }

    private mutating func take(_ scalar: Unicode.Scalar, _ body: (String) -> Void) {
        if Self.standsAlone(scalar.value) {
            finish(body)
            term += Array(String(scalar).utf8)
            length = 1
            finish(body)
            return
        }
        if (0x300...0x36F).contains(scalar.value) { return }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter:
            mark(.upper)
            term += Array(properties.lowercaseMapping.utf8)
        case .lowercaseLetter:
            mark(.lower)
            term += Array(String(scalar).utf8)
        case .decimalNumber, .letterNumber, .otherNumber:
            mark(.digit)
            term += Array(String(scalar).utf8)
        case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark:
            mark(.other)
            term += Array(String(scalar).utf8)
        default:
            finish(body)
        }
    }

    /// Ideographs, hiragana and katakana, which are written without spaces.
    private static func standsAlone(_ value: UInt32) -> Bool {
        switch value {
        case 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF:
            return true
        default: return false
        }
    }

    private mutating func finish(_ body: (String) -> Void) {
        guard !term.isEmpty else { return }
        if length <= Self.longestTerm {
            body(String(decoding: term, as: UTF8.self))
            if !partStarts.isEmpty {
                let ends = partStarts + [term.count]
                var start = 0
                for end in ends {
                    if end > start { body(String(decoding: term[start..<end], as: UTF8.self)) }
                    start = end
                }
                partStarts.removeAll(keepingCapacity: true)
            }
        }
        partStarts.removeAll(keepingCapacity: true)
        term.removeAll(keepingCapacity: true)
        last = .other
        lastStart = 0
        length = 0
    }
}

/// Makes text of bytes that arrive in parts, holding back a character until its last byte is there.
struct UTF8Assembler: Sendable {
    /// What stands for bytes that are not UTF-8.
    enum Replacement: Sendable {
        /// One U+FFFD for each longest part that could have begun a character (Unicode Standard,
        /// section 3.9): `String(decoding:as:)` and most other decoders.
        case maximalSubparts
        /// One U+FFFD for each byte: SentencePiece.
        case everyByte
    }

    let replacement: Replacement
    private var held: [UInt8] = []

    init(_ replacement: Replacement) {
        self.replacement = replacement
    }

    /// Whether the beginning of a character waits for its end.
    var isHolding: Bool { !held.isEmpty }

    /// Appends bytes and takes the text that is complete.
    mutating func append(_ bytes: some Sequence<UInt8>, to text: inout String) {
        held.append(contentsOf: bytes)
        let complete = held.count - Self.incompleteSuffixLength(of: held)
        guard complete > 0 else { return }
        decode(held[..<complete], to: &text)
        held.removeFirst(complete)
    }

    /// Takes what is left, replacing a character that lacks its end.
    mutating func finish(to text: inout String) {
        decode(held[...], to: &text)
        held.removeAll()
    }

    private func decode(_ bytes: ArraySlice<UInt8>, to text: inout String) {
        guard case .everyByte = replacement,
            String(validating: bytes, as: UTF8.self) == nil
        else {
            text += String(decoding: bytes, as: UTF8.self)
            return
        }
        var position = bytes.startIndex
        var validStart = position
        while position < bytes.endIndex {
            if let length = Self.sequence(in: bytes, at: position), length > 0 {
                position += length
                continue
            }
            text += String(decoding: bytes[validStart..<position], as: UTF8.self)
            text += "\u{FFFD}"
            position += 1
            validStart = position
        }
        text += String(decoding: bytes[validStart...], as: UTF8.self)
    }

    /// How many bytes at the end begin a character without ending it: 0 to 3.
    private static func incompleteSuffixLength(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let start = bytes.count - length
            if bytes[start] & 0xC0 == 0x80 { continue }
            return sequence(in: bytes[...], at: start) == nil ? length : 0
        }
        return 0
    }

    /// The length of the well-formed sequence at a position, 0 where none can be, nil where the
    /// bytes end in the middle of one. Ranges are those of table 3-7 of the Unicode Standard.
    private static func sequence(in bytes: ArraySlice<UInt8>, at start: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[start] {
        case 0..<0x80: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        for offset in 1..<length {
            let position = start + offset
            guard position < bytes.endIndex else { return nil }
            guard (offset == 1 ? second : 0x80...0xBF).contains(bytes[position]) else { return 0 }
        }
        return length
    }
}

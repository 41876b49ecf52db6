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

    /// Appends bytes and takes the UTF-8 that is complete.
    mutating func append(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
        held.append(contentsOf: bytes)
        let complete = held.count - Self.incompleteSuffixLength(of: held)
        guard complete > 0 else { return }
        repair(held[..<complete], to: &text)
        held.removeFirst(complete)
    }

    /// Takes what is left, replacing a character that lacks its end.
    mutating func finish(to text: inout [UInt8]) {
        guard !held.isEmpty else { return }
        repair(held[...], to: &text)
        held.removeAll(keepingCapacity: true)
    }

    private func repair(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position] < 0x80 {
                text.append(bytes[position])
                position += 1
                continue
            }
            switch Self.sequence(in: bytes, at: position) {
            case .whole(let length):
                text.append(contentsOf: bytes[position..<position + length])
                position += length
            case .broken(let length):
                text.append(contentsOf: [0xEF, 0xBF, 0xBD])
                if case .everyByte = replacement { position += 1 } else { position += length }
            case .unfinished:
                text.append(contentsOf: [0xEF, 0xBF, 0xBD])
                if case .everyByte = replacement { position += 1 } else { return }
            }
        }
    }

    /// How many bytes at the end begin a character without ending it: 0 to 3.
    private static func incompleteSuffixLength(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let start = bytes.count - length
            if bytes[start] & 0xC0 == 0x80 { continue }
            if case .unfinished = sequence(in: bytes[...], at: start) { return length }
            return 0
        }
        return 0
    }

    private enum Sequence {
        /// A character of so many bytes.
        case whole(Int)
        /// No character; so many bytes are the longest part that could have begun one.
        case broken(Int)
        /// The bytes end before the character does.
        case unfinished
    }

    /// What starts at a position. Ranges are those of table 3-7 of the Unicode Standard.
    private static func sequence(in bytes: ArraySlice<UInt8>, at start: Int) -> Sequence {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[start] {
        case 0..<0x80: return .whole(1)
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return .broken(1)
        }
        for offset in 1..<length {
            let position = start + offset
            guard position < bytes.endIndex else { return .unfinished }
            guard (offset == 1 ? second : 0x80...0xBF).contains(bytes[position]) else {
                return .broken(offset)
            }
        }
        return .whole(length)
    }
}

/// The characters that stand for bytes in a byte-level vocabulary.
///
/// GPT-2 (Radford et al., 2019, `encoder.py`) writes each byte as a printable character: the 188
/// printable ones of Latin-1 stand for themselves, the others are U+0100 and up in order, so that
/// a space is `Ġ` (U+0120).
enum ByteLevelAlphabet {
    /// The character of each byte; all are below U+0144, so two bytes of UTF-8 at most.
    static let characters: [UInt16] = {
        var characters = [UInt16](repeating: 0, count: 256)
        var next: UInt16 = 0x100
        for byte in UInt16(0)..<256 {
            if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE {
                characters[Int(byte)] = byte
            } else {
                characters[Int(byte)] = next
                next += 1
            }
        }
        return characters
    }()

    /// The byte of each character below U+0144, or -1.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, character) in characters.enumerated() {
            bytes[Int(character)] = Int16(byte)
        }
        return bytes
    }()

    /// Appends the character that stands for a byte.
    @inline(__always)
    static func append(_ byte: UInt8, to text: inout [UInt8]) {
        let character = characters[Int(byte)]
        if character < 0x80 {
            text.append(UInt8(truncatingIfNeeded: character))
        } else {
            text.append(UInt8(truncatingIfNeeded: 0xC0 | character >> 6))
            text.append(UInt8(truncatingIfNeeded: 0x80 | character & 0x3F))
        }
    }

    /// Appends the bytes a token stands for: through the alphabet where all its characters belong
    /// to it, else the token's own UTF-8.
    static func appendBytes(of token: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        let start = bytes.count
        var position = token.startIndex
        while position < token.endIndex {
            let lead = token[position]
            var character = Int(lead)
            if lead >= 0x80 {
                guard (0xC2...0xC5).contains(lead), position + 1 < token.endIndex else { break }
                character = Int(lead & 0x1F) << 6 | Int(token[position + 1] & 0x3F)
            }
            guard character < Self.bytes.count, Self.bytes[character] >= 0 else { break }
            bytes.append(UInt8(truncatingIfNeeded: Self.bytes[character]))
            position += lead < 0x80 ? 1 : 2
        }
        if position < token.endIndex {
            bytes.removeSubrange(start...)
            bytes.append(contentsOf: token)
        }
    }
}

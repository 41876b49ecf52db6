/// The four characters that begin an index in a file.
struct FourCC: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    /// The bytes in file order, the first one lowest.
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }

    init(stringLiteral text: StaticString) {
        precondition(text.utf8CodeUnitCount == 4, "a type has four characters")
        rawValue = text.withUTF8Buffer { characters in
            characters.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// Printable characters as they are, others as hexadecimal digits.
    var description: String {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> (8 * $0)) }
        return bytes.map { byte in
            (0x20..<0x7F).contains(byte)
                ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16)
        }.joined()
    }
}

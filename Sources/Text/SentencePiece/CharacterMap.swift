/// A table of character replacements as SentencePiece compiles it (`precompiled_charsmap`).
///
/// Layout: the size of a trie in bytes (32 bits, little-endian), the trie as a double array of
/// 32-bit units (Darts-clone), then the replacements, each ended by a zero byte. A leaf's value is
/// the position of its replacement.
struct CharacterMap: Sendable {
    /// Bounds how much a text can grow; Unicode's longest has 33 bytes.
    private static let longestReplacement = 256

    private let units: [UInt32]
    let replacements: [UInt8]

    /// Checks that the sizes agree; positions are checked at each use.
    init(_ blob: some Collection<UInt8>) throws(TokenizerError.Reason) {
        let bytes = Array(blob)
        guard bytes.count >= 4 else {
            throw .malformedCharacterMap(detail: "\(bytes.count) bytes; expected at least 4")
        }
        func word(_ index: Int) -> UInt32 {
            UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
                | UInt32(bytes[index + 3]) << 24
        }
        let size = Int(word(0))
        guard size % 4 == 0, size > 0, size <= bytes.count - 4 else {
            throw .malformedCharacterMap(
                detail: "a trie of \(size) bytes in a table of \(bytes.count)")
        }
        units = (0..<size / 4).map { word(4 + $0 * 4) }
        replacements = Array(bytes[(4 + size)...])
        guard replacements.isEmpty || replacements.last == 0 else {
            throw .malformedCharacterMap(detail: "the last replacement has no end")
        }
        var length = 0
        for byte in replacements {
            length = byte == 0 ? 0 : length + 1
            guard length <= Self.longestReplacement else {
                throw .malformedCharacterMap(
                    detail: "a replacement of more than \(Self.longestReplacement) bytes")
            }
        }
        guard String(validating: replacements, as: UTF8.self) != nil else {
            throw .malformedCharacterMap(detail: "the replacements are not UTF-8")
        }
    }

    /// The longest entry that starts at a position: where its replacement stands in
    /// `replacements`, and where the entry ends. Entries that cut a character are passed over.
    func longestMatch(
        in text: UnsafeBufferPointer<UInt8>, at start: Int, end: Int
    ) -> (replacement: Range<Int>, end: Int)? {
        var best: (value: Int, end: Int)?
        var node = Self.offset(of: units[0])
        var position = start
        while position < end {
            let byte = text[position]
            node ^= Int(byte)
            guard node < units.count else { break }
            let unit = units[node]
            guard unit & 0x8000_00FF == UInt32(byte) else { break }
            position += 1
            node ^= Self.offset(of: unit)
            if unit >> 8 & 1 == 1, node < units.count,
                position == end || text[position] & 0xC0 != 0x80
            {
                best = (Int(units[node] & 0x7FFF_FFFF), position)
            }
        }
        guard let best, best.value < replacements.count,
            replacements[best.value] & 0xC0 != 0x80
        else { return nil }
        // The last byte is zero, so every replacement has an end.
        let stop = replacements[best.value...].firstIndex(of: 0) ?? best.value
        return (best.value..<stop, best.end)
    }

    private static func offset(of unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 0x200) >> 6)
    }
}

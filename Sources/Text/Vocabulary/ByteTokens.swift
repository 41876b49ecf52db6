/// The tokens `<0x00>` to `<0xFF>`, into which characters without a token of their own fall apart.
enum ByteTokens {
    /// The byte a token is named for, or nil where the name is not exactly `<0xHH>`.
    static func value(of token: ArraySlice<UInt8>) -> UInt8? {
        let name = Array(token)
        guard name.count == 6, name.starts(with: Array("<0x".utf8)),
            name[5] == UInt8(ascii: ">"), let high = digit(name[3]), let low = digit(name[4])
        else { return nil }
        return high << 4 | low
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Whether a token looks as if it were meant for a byte: `<0x`, a few characters, `>`.
    static func looksLikeOne(_ token: ArraySlice<UInt8>) -> Bool {
        token.count <= 8 && token.starts(with: Array("<0x".utf8))
            && token.last == UInt8(ascii: ">")
    }

    /// Finds the token of each byte; every byte must have exactly one.
    ///
    /// Returns the tokens by byte and the bytes by token, -1 for tokens that are none.
    static func collect(
        in vocabulary: Vocabulary, where isByteToken: (Int) -> Bool
    ) throws(TokenizerError.Reason) -> (tokens: [Int32], values: [Int16]) {
        var tokens = [Int32](repeating: -1, count: 256)
        var counts = [Int](repeating: 0, count: 256)
        var values = [Int16](repeating: -1, count: vocabulary.count)
        for id in 0..<vocabulary.count where isByteToken(id) {
            guard let token = vocabulary[id], let byte = value(of: token) else {
                throw .malformedByteToken(vocabulary.text(id), id: id)
            }
            tokens[Int(byte)] = Int32(id)
            counts[Int(byte)] += 1
            values[id] = Int16(byte)
        }
        if let byte = counts.firstIndex(where: { $0 != 1 }) {
            throw .byteTokens(byte: UInt8(byte), count: counts[byte])
        }
        return (tokens, values)
    }
}

/// Reads and writes SentencePiece models, to build damaged ones for tests.
enum SentencePieceFileWriter {
    struct Piece {
        var text: String
        var score: Float
        /// 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
        var kind: Int
    }

    /// A model of pieces. `algorithm` is 1 for unigram and 2 for BPE.
    static func model(
        _ pieces: [Piece], algorithm: UInt64 = 2, fallsBackToBytes: Bool = false,
        characterMap: [UInt8] = [], addsWordMark: Bool = true, removesExtraWhitespace: Bool = false
    ) -> [UInt8] {
        var file: [UInt8] = []
        for piece in pieces {
            var fields = bytes(1, Array(piece.text.utf8))
            fields.append(2 << 3 | 5)
            withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { fields += $0 }
            fields += number(3, UInt64(bitPattern: Int64(piece.kind)))
            file += bytes(1, fields)
        }
        file += bytes(2, number(3, algorithm) + number(35, fallsBackToBytes ? 1 : 0))
        file += bytes(
            3,
            bytes(2, characterMap) + number(3, addsWordMark ? 1 : 0)
                + number(4, removesExtraWhitespace ? 1 : 0))
        return file
    }

    static func bytes(_ field: Int, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(field) << 3 | 2) + varint(UInt64(content.count)) + content
    }

    static func number(_ field: Int, _ value: UInt64) -> [UInt8] {
        varint(UInt64(field) << 3) + varint(value)
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var encoded: [UInt8] = []
        while rest >= 0x80 {
            encoded.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return encoded + [UInt8(rest)]
    }

    /// The pieces of a well-formed model.
    static func pieces(of file: [UInt8]) -> [Piece] {
        fields(file[...]).compactMap { field, value in
            guard field == 1 else { return nil }
            var piece = Piece(text: "", score: 0, kind: 1)
            for (field, value) in fields(value) {
                switch field {
                case 1: piece.text = String(decoding: value, as: UTF8.self)
                case 2:
                    let bits = value.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                    piece.score = Float(bitPattern: bits)
                case 3: piece.kind = value.first.map { Int($0) } ?? 0
                default: break
                }
            }
            return piece
        }
    }

    private static func fields(_ bytes: ArraySlice<UInt8>) -> [(Int, ArraySlice<UInt8>)] {
        var rest = bytes
        func takeNumber() -> Int {
            var value = 0
            var shift = 0
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            return value
        }
        var fields: [(Int, ArraySlice<UInt8>)] = []
        while !rest.isEmpty {
            let tag = takeNumber()
            if tag & 7 == 0 {
                fields.append((tag >> 3, [UInt8(truncatingIfNeeded: takeNumber())]))
            } else {
                let count = tag & 7 == 5 ? 4 : takeNumber()
                fields.append((tag >> 3, rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
        }
        return fields
    }
}

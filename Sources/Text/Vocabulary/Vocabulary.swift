/// The tokens of a model: id to bytes and bytes to id, without a `String` for each.
///
/// The bytes are the token as the file writes it (`Ġthe`, `▁the`, `<0x0A>`), in one block; a table
/// with open addressing leads from bytes to ids.
struct Vocabulary: Sendable {
    /// Ids fit 21 bits; the largest vocabulary in use has a quarter of a million tokens.
    static let maximumCount = 1 << 21
    /// Longer than any token in use (runs of white space reach a few hundred bytes).
    static let maximumTokenBytes = 1 << 16

    private let bytes: [UInt8]
    private let starts: [UInt32]
    private let lengths: [UInt32]
    /// The id plus one, or 0 where free; a power of two of slots, at most half full.
    private let table: [UInt32]

    var count: Int { starts.count }

    /// The id of a token, or nil where there is none.
    func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
        var slot = Int(truncatingIfNeeded: ByteHash.hash(token)) & (table.count - 1)
        while true {
            let entry = table[slot]
            if entry == 0 { return nil }
            if isEqual(Int(entry) - 1, token) { return Int32(entry) - 1 }
            slot = (slot + 1) & (table.count - 1)
        }
    }

    /// The id of a token, or nil where there is none.
    func id(of token: some Sequence<UInt8>) -> Int32? {
        Array(token).withUnsafeBufferPointer(id(of:))
    }

    /// The bytes of a token, or nil for an id out of range.
    subscript(id: Int) -> ArraySlice<UInt8>? {
        guard starts.indices.contains(id) else { return nil }
        let start = Int(starts[id])
        return bytes[start..<start + Int(lengths[id])]
    }

    /// The token as text.
    func text(_ id: Int) -> String {
        self[id].map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func isEqual(_ id: Int, _ token: UnsafeBufferPointer<UInt8>) -> Bool {
        guard Int(lengths[id]) == token.count else { return false }
        let start = Int(starts[id])
        for position in 0..<token.count where bytes[start + position] != token[position] {
            return false
        }
        return true
    }

    /// Collects tokens in any order of ids, then checks that ids and tokens match one to one.
    struct Builder {
        private struct Entry {
            let id: Int
            let start: Int
            let length: Int
            /// Whether the same token may be there already, under the same id.
            let mayRepeat: Bool
        }

        private var bytes: [UInt8] = []
        private var entries: [Entry] = []
        private var largestID = -1

        mutating func reserve(tokens: Int, bytes count: Int) {
            entries.reserveCapacity(tokens)
            bytes.reserveCapacity(count)
        }

        mutating func add(
            _ token: UnsafeBufferPointer<UInt8>, id: Int
        ) throws(TokenizerError.Reason) {
            try add(id: id) { $0.append(contentsOf: token) }
        }

        mutating func add(_ token: String, id: Int) throws(TokenizerError.Reason) {
            try add(id: id) { $0.append(contentsOf: token.utf8) }
        }

        /// Adds the token that the closure appends.
        mutating func add(
            id: Int, mayRepeat: Bool = false, appending append: (inout [UInt8]) -> Void
        ) throws(TokenizerError.Reason) {
            let start = bytes.count
            append(&bytes)
            let length = bytes.count - start
            guard length <= Vocabulary.maximumTokenBytes else {
                throw .tokenTooLong(id: id, bytes: length, limit: Vocabulary.maximumTokenBytes)
            }
            guard (0..<Vocabulary.maximumCount).contains(id) else {
                throw .idOutOfRange(token: text(start, length), id: id)
            }
            guard entries.count < Vocabulary.maximumCount, bytes.count <= Int(UInt32.max) else {
                throw .tooManyTokens(count: entries.count + 1, limit: Vocabulary.maximumCount)
            }
            largestID = max(largestID, id)
            entries.append(Entry(id: id, start: start, length: length, mayRepeat: mayRepeat))
        }

        /// Makes the vocabulary.
        ///
        /// - Parameter mayBeCopy: whether a token of that id may be listed under an earlier id as
        ///   well, which then counts: GGUF files pad their lists with copies of unused tokens.
        func finish(
            mayBeCopy: (Int) -> Bool = { _ in false }
        ) throws(TokenizerError.Reason) -> Vocabulary {
            guard !entries.isEmpty else { throw .emptyVocabulary }
            let count = largestID + 1
            var starts = [UInt32](repeating: 0, count: count)
            var lengths = [UInt32](repeating: .max, count: count)
            for entry in entries {
                if lengths[entry.id] != .max {
                    let first = text(Int(starts[entry.id]), Int(lengths[entry.id]))
                    let second = text(entry.start, entry.length)
                    // Bytes are compared; equality of strings is looser.
                    guard entry.mayRepeat, first.utf8.elementsEqual(second.utf8) else {
                        throw .duplicateID(entry.id, first: first, second: second)
                    }
                    continue
                }
                starts[entry.id] = UInt32(entry.start)
                lengths[entry.id] = UInt32(entry.length)
            }
            if let missing = lengths.firstIndex(of: .max) {
                throw .missingID(missing, count: count)
            }
            let table = try makeTable(starts, lengths, mayBeCopy: mayBeCopy)
            return Vocabulary(bytes: bytes, starts: starts, lengths: lengths, table: table)
        }

        private func makeTable(
            _ starts: [UInt32], _ lengths: [UInt32], mayBeCopy: (Int) -> Bool
        ) throws(TokenizerError.Reason) -> [UInt32] {
            var size = 16
            while size < starts.count * 2 { size *= 2 }
            var table = [UInt32](repeating: 0, count: size)
            var copy: (first: Int, second: Int)?
            bytes.withUnsafeBufferPointer { bytes in
                func token(_ id: Int) -> UnsafeBufferPointer<UInt8> {
                    let start = Int(starts[id])
                    return UnsafeBufferPointer(rebasing: bytes[start..<start + Int(lengths[id])])
                }
                for id in starts.indices {
                    let bytes = token(id)
                    var slot = Int(truncatingIfNeeded: ByteHash.hash(bytes)) & (size - 1)
                    while table[slot] != 0 {
                        let other = Int(table[slot]) - 1
                        if lengths[other] == lengths[id], token(other).elementsEqual(bytes) {
                            if !mayBeCopy(id), copy == nil { copy = (other, id) }
                            break
                        }
                        slot = (slot + 1) & (size - 1)
                    }
                    if table[slot] == 0 { table[slot] = UInt32(id + 1) }
                }
            }
            if let copy {
                throw .duplicateToken(
                    text(Int(starts[copy.first]), Int(lengths[copy.first])), first: copy.first,
                    second: copy.second)
            }
            return table
        }

        private func text(_ start: Int, _ length: Int) -> String {
            String(decoding: bytes[start..<start + length], as: UTF8.self)
        }
    }
}

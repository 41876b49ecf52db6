/// A set of token ids, one bit each.
struct TokenSet: Sendable {
    private var words: [UInt64]

    init(capacity: Int) {
        words = Array(repeating: 0, count: (capacity + 63) / 64)
    }

    mutating func insert(_ id: Int) {
        guard id >= 0 else { return }
        let word = id >> 6
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: word + 1 - words.count))
        }
        words[word] |= 1 << UInt64(id & 63)
    }

    @inline(__always)
    func contains(_ id: Int32) -> Bool {
        guard id >= 0, Int(id) >> 6 < words.count else { return false }
        return words[Int(id) >> 6] >> UInt64(id & 63) & 1 == 1
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
}

/// A set of rows by their numbers, a bit each.
struct RowSet: Sendable, Hashable {
    /// Rows 64 i … 64 i + 63 in word i, the lowest bit first. Bits from `count` on are 0.
    private(set) var words: [UInt64]
    /// Rows that may be members: 0..<count.
    private(set) var count: Int

    init(count: Int) {
        self.count = count
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    init(all count: Int) {
        self.count = count
        words = Array(repeating: .max, count: (count + 63) / 64)
        clearTail()
    }

    /// The rows for which a closure says so.
    @inline(__always)
    init(count: Int, _ isMember: (Int) -> Bool) {
        self.count = count
        var words = [UInt64](repeating: 0, count: (count + 63) / 64)
        for place in words.indices {
            var word: UInt64 = 0
            let first = 64 * place
            for bit in 0..<min(64, count - first) where isMember(first + bit) {
                word |= 1 << UInt64(bit)
            }
            words[place] = word
        }
        self.words = words
    }

    /// Words that were read; nil unless they are as many as the rows ask for and have no others.
    init?(words: [UInt64], count: Int) {
        guard count >= 0, words.count == (count + 63) / 64 else { return nil }
        if let last = words.last, !count.isMultiple(of: 64), last >> UInt64(count % 64) != 0 {
            return nil
        }
        self.words = words
        self.count = count
    }

    private mutating func clearTail() {
        guard !words.isEmpty, !count.isMultiple(of: 64) else { return }
        words[words.count - 1] &= 1 << UInt64(count % 64) - 1
    }

    func contains(_ row: Int) -> Bool {
        row >= 0 && row < count && words[row >> 6] >> UInt64(row & 63) & 1 != 0
    }

    var memberCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    mutating func insert(_ row: Int) {
        if row >= count { grow(to: row + 1) }
        words[row >> 6] |= 1 << UInt64(row & 63)
    }

    /// Lets more rows be members.
    mutating func grow(to count: Int) {
        guard count > self.count else { return }
        self.count = count
        let needed = (count + 63) / 64
        if needed > words.count {
            words.append(contentsOf: repeatElement(0, count: needed - words.count))
        }
    }

    mutating func invert() {
        for place in words.indices { words[place] = ~words[place] }
        clearTail()
    }

    /// - Precondition: both are of as many rows.
    mutating func formIntersection(_ other: RowSet) {
        for place in words.indices { words[place] &= other.words[place] }
    }

    /// - Precondition: both are of as many rows.
    mutating func formUnion(_ other: RowSet) {
        for place in words.indices { words[place] |= other.words[place] }
    }

    /// Takes rows away, of which there may be fewer.
    mutating func subtract(_ other: RowSet) {
        for place in 0..<min(words.count, other.words.count) {
            words[place] &= ~other.words[place]
        }
    }

    func subtracting(_ other: RowSet) -> RowSet {
        var rows = self
        rows.subtract(other)
        return rows
    }

    /// Appends the members of a range, less `base`, in order.
    @inline(__always)
    func appendMembers(in range: Range<Int>, lessBase base: Int, to members: inout [Int32]) {
        guard !range.isEmpty else { return }
        for place in range.lowerBound >> 6...(range.upperBound - 1) >> 6 {
            var word = words[place]
            while word != 0 {
                let row = place << 6 + word.trailingZeroBitCount
                word &= word - 1
                guard row >= range.lowerBound else { continue }
                guard row < range.upperBound else { return }
                members.append(Int32(truncatingIfNeeded: row - base))
            }
        }
    }

    /// The members in order.
    var members: [Int] {
        var members: [Int] = []
        for (place, word) in words.enumerated() {
            var word = word
            while word != 0 {
                members.append(place << 6 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
        return members
    }

    /// The members as bytes, bit `row & 7` of byte `row >> 3`.
    var bytes: [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }
}

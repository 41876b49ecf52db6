/// Which two neighbouring symbols merge, how early, and into what.
///
/// Open addressing over packed pairs: one cache line answers a look-up.
struct MergeTable: Sendable {
    struct Merge: Sendable {
        /// Smaller merges first; pairs of one priority merge from left to right.
        var priority: UInt32
        var result: Int32

        static let none = Merge(priority: .max, result: -1)
    }

    private struct Entry: Sendable {
        var pair: UInt64
        var merge: Merge
    }

    private static let free = UInt64.max

    private var entries: [Entry]
    private var mask: Int
    private(set) var count = 0

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        entries = Array(repeating: Entry(pair: Self.free, merge: .none), count: size)
        mask = size - 1
    }

    /// The merge of two symbols; symbols below zero never merge.
    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge {
        let pair = Self.pack(left, right)
        var slot = Self.slot(of: pair) & mask
        while true {
            let entry = entries[slot]
            if entry.pair == pair { return entry.merge }
            if entry.pair == Self.free { return .none }
            slot = (slot + 1) & mask
        }
    }

    /// Adds a merge; of two for the same pair the earlier one stays.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        if (count + 1) * 2 > entries.count { grow() }
        let pair = Self.pack(left, right)
        var slot = Self.slot(of: pair) & mask
        while entries[slot].pair != Self.free {
            if entries[slot].pair == pair {
                if merge.priority < entries[slot].merge.priority { entries[slot].merge = merge }
                return
            }
            slot = (slot + 1) & mask
        }
        entries[slot] = Entry(pair: pair, merge: merge)
        count += 1
    }

    private mutating func grow() {
        let old = entries
        entries = Array(
            repeating: Entry(pair: Self.free, merge: .none), count: entries.count * 2)
        mask = entries.count - 1
        for entry in old where entry.pair != Self.free {
            var slot = Self.slot(of: entry.pair) & mask
            while entries[slot].pair != Self.free { slot = (slot + 1) & mask }
            entries[slot] = entry
        }
    }

    @inline(__always)
    private static func pack(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private static func slot(of pair: UInt64) -> Int {
        Int(truncatingIfNeeded: ByteHash.hash(pair))
    }
}

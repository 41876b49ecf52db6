/// Remembers the tokens of short words.
///
/// Natural text repeats its words, so most of them are found here without merging anything. A
/// table of fixed size in which a new word replaces the one at its place: bounded whatever the text
/// is. Words are compared whole, so a hash collision costs time only.
final class WordCache {
    static let maximumWordBytes = 15
    static let maximumTokens = 4

    private struct Entry {
        var low: UInt64 = 0
        /// Seven bytes of the word and its length; 0 where free, as no word is empty.
        var high: UInt64 = 0
        /// Up to four tokens, then -1.
        var tokens = SIMD4<Int32>(repeating: -1)
    }

    private static let slotCount = 1 << 14

    /// `slotCount` entries; every index is masked with it.
    private let entries: UnsafeMutablePointer<Entry>

    init() {
        entries = .allocate(capacity: Self.slotCount)
        entries.initialize(repeating: Entry(), count: Self.slotCount)
    }

    deinit {
        entries.deinitialize(count: Self.slotCount)
        entries.deallocate()
    }

    /// A word of at most 15 bytes as two integers.
    struct Key {
        fileprivate let low: UInt64
        fileprivate let high: UInt64

        /// - Precondition: the range is not empty, at most 15 bytes long and within the text.
        @inline(__always)
        init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
            let count = range.count
            let raw = UnsafeRawBufferPointer(text)
            var low: UInt64 = 0
            var high: UInt64 = 0
            if count >= 8 {
                low = raw.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
                // The last eight bytes overlap the first; the shift drops what is known already.
                let tail = raw.loadUnaligned(fromByteOffset: range.upperBound - 8, as: UInt64.self)
                high = count == 8 ? 0 : tail >> UInt64((16 - count) * 8)
            } else if range.lowerBound + 8 <= text.count {
                low = raw.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
                low &= ~0 >> UInt64((8 - count) * 8)
            } else {
                for position in range.reversed() { low = low << 8 | UInt64(text[position]) }
            }
            self.low = low
            self.high = high | UInt64(count) << 56
        }

        @inline(__always)
        fileprivate var slot: Int {
            Int(truncatingIfNeeded: ByteHash.mix(low, high)) & (WordCache.slotCount - 1)
        }
    }

    /// Appends the tokens of a word that is remembered; says whether it is.
    @inline(__always)
    func appendTokens(of key: Key, to tokens: inout [Int32]) -> Bool {
        let entry = entries[key.slot]
        guard entry.low == key.low, entry.high == key.high else { return false }
        tokens.append(entry.tokens[0])
        if entry.tokens[1] >= 0 {
            tokens.append(entry.tokens[1])
            if entry.tokens[2] >= 0 {
                tokens.append(entry.tokens[2])
                if entry.tokens[3] >= 0 { tokens.append(entry.tokens[3]) }
            }
        }
        return true
    }

    /// Remembers the tokens of a word, if they are one to four.
    func insert(_ key: Key, tokens: ArraySlice<Int32>) {
        guard (1...Self.maximumTokens).contains(tokens.count) else { return }
        var entry = Entry(low: key.low, high: key.high)
        for (index, token) in tokens.enumerated() { entry.tokens[index] = token }
        entries[key.slot] = entry
    }
}

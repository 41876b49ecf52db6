/// Takes distances and labels while an index is scanned.
protocol HitCollector {
    /// What a distance must reach to be taken now.
    var bound: Float { get }
    mutating func offer(_ distance: Float, _ label: Int64)
}

/// The `k` nearest of what was offered.
///
/// Order is by distance, then by label, so the outcome does not depend on the order of offers.
/// What is not a number or no finite distance is never taken, as in Faiss. Few are kept as a heap
/// with the farthest on top; of many, twice as many are let in before the nearest are picked,
/// which takes less work an offer.
struct TopK: HitCollector {
    private let capacity: Int
    private let isSimilarity: Bool
    private var entries: [Entry] = []
    /// What an entry must be nearer than.
    private var farthest: Entry

    private struct Entry {
        /// Smaller is nearer.
        var key: Float
        var label: Int64

        func isFarther(than other: Entry) -> Bool {
            key > other.key || key == other.key && label > other.label
        }
    }

    /// The most that are kept as a heap.
    private static let heapLimit = 16

    init(_ k: Int, isSimilarity: Bool) {
        capacity = k
        self.isSimilarity = isSimilarity
        farthest = Entry(key: k > 0 ? .greatestFiniteMagnitude : -.infinity, label: .max)
        entries.reserveCapacity(min(k > Self.heapLimit ? 2 * k : k, 4096))
    }

    init(_ k: Int, _ metric: Metric) { self.init(k, isSimilarity: metric.isSimilarity) }

    var isFull: Bool { entries.count >= capacity }

    var bound: Float { isSimilarity ? -farthest.key : farthest.key }

    mutating func offer(_ distance: Float, _ label: Int64) {
        let entry = Entry(key: isSimilarity ? -distance : distance, label: label)
        guard farthest.isFarther(than: entry), entry.key < .greatestFiniteMagnitude else { return }
        if capacity > Self.heapLimit {
            entries.append(entry)
            if entries.count >= 2 * capacity { pick() }
        } else if entries.count < capacity {
            entries.append(entry)
            rise()
            if entries.count == capacity { farthest = entries[0] }
        } else {
            sink(entry)
            farthest = entries[0]
        }
    }

    /// Offers what another one holds.
    mutating func merge(_ other: TopK) {
        for entry in other.entries { offer(isSimilarity ? -entry.key : entry.key, entry.label) }
    }

    private mutating func rise() {
        entries.withUnsafeMutableBufferPointer { entries in
            var place = entries.count - 1
            let entry = entries[place]
            while place > 0 {
                let parent = (place - 1) / 2
                guard entry.isFarther(than: entries[parent]) else { break }
                entries[place] = entries[parent]
                place = parent
            }
            entries[place] = entry
        }
    }

    /// Replaces the top.
    private mutating func sink(_ entry: Entry) {
        entries.withUnsafeMutableBufferPointer { entries in
            var place = 0
            while true {
                var child = 2 * place + 1
                guard child < entries.count else { break }
                if child + 1 < entries.count, entries[child + 1].isFarther(than: entries[child]) {
                    child += 1
                }
                guard entries[child].isFarther(than: entry) else { break }
                entries[place] = entries[child]
                place = child
            }
            entries[place] = entry
        }
    }

    /// Keeps the nearest alone.
    private mutating func pick() {
        let last = capacity - 1
        entries.withUnsafeMutableBufferPointer { Self.partition($0, at: last) }
        farthest = entries[last]
        entries.removeSubrange(capacity...)
    }

    /// Puts the entry that belongs at a place there, nearer ones before it and farther ones after.
    ///
    /// Source: Hoare, "Algorithm 65: Find", 1961. Where the parts do not become smaller as they
    /// should, the rest is sorted.
    private static func partition(_ entries: UnsafeMutableBufferPointer<Entry>, at place: Int) {
        var (low, high) = (0, entries.count - 1)
        var roundsLeft = 2 * (Int.bitWidth - entries.count.leadingZeroBitCount)
        while low < high {
            guard roundsLeft > 0 else {
                var rest = UnsafeMutableBufferPointer(rebasing: entries[low...high])
                return rest.sort { $1.isFarther(than: $0) }
            }
            roundsLeft -= 1
            let (first, middle, last) = (entries[low], entries[(low + high) / 2], entries[high])
            let (near, far) = middle.isFarther(than: first) ? (first, middle) : (middle, first)
            let pivot =
                last.isFarther(than: far) ? far : last.isFarther(than: near) ? last : near
            var (i, j) = (low, high)
            while i <= j {
                while pivot.isFarther(than: entries[i]) { i += 1 }
                while entries[j].isFarther(than: pivot) { j -= 1 }
                if i <= j {
                    entries.swapAt(i, j)
                    i += 1
                    j -= 1
                }
            }
            if place <= j { high = j } else if place >= i { low = i } else { return }
        }
    }

    /// Nearest first.
    func sorted() -> [(distance: Float, label: Int64)] {
        entries.sorted { $1.isFarther(than: $0) }.prefix(capacity)
            .map { (isSimilarity ? -$0.key : $0.key, $0.label) }
    }
}

/// Everything nearer than a radius.
struct RangeCollector: HitCollector {
    let bound: Float
    private let isSimilarity: Bool
    private(set) var hits: [(distance: Float, label: Int64)] = []

    init(radius: Float, _ metric: Metric) {
        bound = radius
        isSimilarity = metric.isSimilarity
    }

    mutating func offer(_ distance: Float, _ label: Int64) {
        if isSimilarity ? distance > bound : distance < bound { hits.append((distance, label)) }
    }
}

/// Takes distances and labels while an index is scanned.
protocol HitCollector {
    /// What a distance must reach to be taken now.
    var bound: Float { get }
    mutating func offer(_ distance: Float, _ label: Int64)
}

/// The `k` nearest of what was offered, a heap with the farthest on top.
///
/// Order is by distance, then by label, so the outcome does not depend on the order of offers.
/// What is not a number or no finite distance is never taken, as in Faiss.
struct TopK: HitCollector {
    private let capacity: Int
    private let isSimilarity: Bool
    private var entries: [Entry] = []

    private struct Entry {
        /// Smaller is nearer.
        var key: Float
        var label: Int64

        func isFarther(than other: Entry) -> Bool {
            key > other.key || key == other.key && label > other.label
        }
    }

    init(_ k: Int, isSimilarity: Bool) {
        capacity = k
        self.isSimilarity = isSimilarity
        entries.reserveCapacity(min(k, 4096))
    }

    init(_ k: Int, _ metric: Metric) { self.init(k, isSimilarity: metric.isSimilarity) }

    var isFull: Bool { entries.count >= capacity }

    var bound: Float {
        let key = isFull ? entries.first?.key ?? -.infinity : .greatestFiniteMagnitude
        return isSimilarity ? -key : key
    }

    mutating func offer(_ distance: Float, _ label: Int64) {
        let entry = Entry(key: isSimilarity ? -distance : distance, label: label)
        guard entry.key < .greatestFiniteMagnitude else { return }
        if entries.count < capacity {
            entries.append(entry)
            rise()
        } else if let top = entries.first, top.isFarther(than: entry) {
            sink(entry)
        }
    }

    /// Offers what another one holds.
    mutating func merge(_ other: TopK) {
        for entry in other.entries { offer(isSimilarity ? -entry.key : entry.key, entry.label) }
    }

    private mutating func rise() {
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

    /// Replaces the top.
    private mutating func sink(_ entry: Entry) {
        var place = 0
        let count = entries.count
        while true {
            var child = 2 * place + 1
            guard child < count else { break }
            if child + 1 < count, entries[child + 1].isFarther(than: entries[child]) { child += 1 }
            guard entries[child].isFarther(than: entry) else { break }
            entries[place] = entries[child]
            place = child
        }
        entries[place] = entry
    }

    /// Nearest first.
    func sorted() -> [(distance: Float, label: Int64)] {
        entries.sorted { $1.isFarther(than: $0) }
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

/// Merges neighbouring symbols of one word, best priority first, until no pair merges.
///
/// Short words keep everything in a row and look for the best pair by going through it. Long ones
/// use a linked list and a heap, so that n symbols take O(n log n) steps whatever they are.
final class MergeLoop {
    /// The longest word, in symbols, for which going through all pairs is faster than the heap.
    static let longestShortWord = 48

    /// The symbols; after `run`, those left.
    private(set) var symbols: [Int32] = []
    /// Where each symbol starts in the word.
    private(set) var starts: [Int32] = []
    /// How many look-ups and heap operations were done, for tests of the bound.
    private(set) var stepCount = 0

    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = MergeHeap()

    func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
    }

    func append(_ symbol: Int32, start: Int) {
        symbols.append(symbol)
        starts.append(Int32(truncatingIfNeeded: start))
    }

    /// Gives back what a very long word took.
    func releaseLongWordMemory() {
        guard symbols.capacity > 1 << 20 else { return }
        symbols = []
        starts = []
        next = []
        previous = []
        heap = MergeHeap()
    }

    /// Merges; the closure hears of every pair that could have merged into a result.
    func run(_ table: MergeTable, noting note: ((Int32, Int32, Int32) -> Void)? = nil) {
        guard symbols.count > 1 else { return }
        if symbols.count <= Self.longestShortWord, note == nil {
            let count = symbols.count
            let kept = symbols.withUnsafeMutableBufferPointer { symbols in
                starts.withUnsafeMutableBufferPointer { starts in
                    Self.runShort(table, symbols, starts, &stepCount)
                }
            }
            symbols.removeLast(count - kept)
            starts.removeLast(count - kept)
        } else {
            runLong(table, noting: note)
        }
    }

    /// Merges in place and returns how many symbols are left at the front.
    private static func runShort(
        _ table: MergeTable, _ symbols: UnsafeMutableBufferPointer<Int32>,
        _ starts: UnsafeMutableBufferPointer<Int32>, _ stepCount: inout Int
    ) -> Int {
        var count = symbols.count
        var steps = count
        // Behind the pairs there is room for the last symbol, which has none.
        return withUnsafeTemporaryAllocation(of: MergeTable.Merge.self, capacity: count) { pairs in
            for index in 0..<count - 1 {
                pairs.initializeElement(
                    at: index, to: table.merge(symbols[index], symbols[index + 1]))
            }
            pairs.initializeElement(at: count - 1, to: .none)
            while true {
                var best = UInt32.max
                var place = 0
                for index in 0..<count - 1 where pairs[index].priority < best {
                    best = pairs[index].priority
                    place = index
                }
                steps += count
                guard best != .max else { break }
                symbols[place] = pairs[place].result
                count -= 1
                for index in place + 1..<count {
                    symbols[index] = symbols[index + 1]
                    starts[index] = starts[index + 1]
                    pairs[index] = pairs[index + 1]
                }
                pairs[place] =
                    place + 1 < count ? table.merge(symbols[place], symbols[place + 1]) : .none
                if place > 0 {
                    pairs[place - 1] = table.merge(symbols[place - 1], symbols[place])
                }
            }
            stepCount += steps
            return count
        }
    }

    private func runLong(
        _ table: MergeTable, noting note: ((Int32, Int32, Int32) -> Void)?
    ) {
        let count = symbols.count
        next = (1...Int32(count)).map { $0 }
        next[count - 1] = -1
        previous = (0..<Int32(count)).map { $0 - 1 }
        heap.removeAll()
        for index in 0..<count - 1 {
            let merge = table.merge(symbols[index], symbols[index + 1])
            guard merge.priority != .max else { continue }
            note?(symbols[index], symbols[index + 1], merge.result)
            heap.appendUnordered(priority: merge.priority, position: UInt32(index))
        }
        heap.order()

        while let (priority, position) = heap.popFirst() {
            let place = Int(position)
            // An entry outlives its pair when a neighbour merged first. The place is dead then, or
            // the pair there has another priority.
            guard previous[place] != Self.dead, next[place] >= 0 else { continue }
            let right = Int(next[place])
            let merge = table.merge(symbols[place], symbols[right])
            guard merge.priority == priority else { continue }
            symbols[place] = merge.result
            previous[right] = Self.dead
            next[place] = next[right]
            if next[place] >= 0 {
                let after = Int(next[place])
                previous[after] = Int32(place)
                push(table, place, after, note)
            }
            if previous[place] >= 0 { push(table, Int(previous[place]), place, note) }
        }
        stepCount += count + heap.stepCount
        heap.stepCount = 0

        var kept = 0
        for index in 0..<count where previous[index] != Self.dead {
            symbols[kept] = symbols[index]
            starts[kept] = starts[index]
            kept += 1
        }
        symbols.removeLast(count - kept)
        starts.removeLast(count - kept)
    }

    private static let dead: Int32 = -2

    private func push(
        _ table: MergeTable, _ left: Int, _ right: Int, _ note: ((Int32, Int32, Int32) -> Void)?
    ) {
        let merge = table.merge(symbols[left], symbols[right])
        guard merge.priority != .max else { return }
        note?(symbols[left], symbols[right], merge.result)
        heap.push(priority: merge.priority, position: UInt32(left))
    }
}

/// A binary heap of places, smallest priority first, then smallest place.
struct MergeHeap {
    private var entries: [UInt64] = []
    var stepCount = 0

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
    }

    mutating func appendUnordered(priority: UInt32, position: UInt32) {
        entries.append(UInt64(priority) << 32 | UInt64(position))
    }

    /// Makes a heap of what was appended.
    mutating func order() {
        var index = entries.count / 2
        while index > 0 {
            index -= 1
            siftDown(index)
        }
    }

    mutating func push(priority: UInt32, position: UInt32) {
        let entry = UInt64(priority) << 32 | UInt64(position)
        var index = entries.count
        entries.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            stepCount += 1
            guard entry < entries[parent] else { break }
            entries[index] = entries[parent]
            index = parent
        }
        entries[index] = entry
    }

    mutating func popFirst() -> (priority: UInt32, position: UInt32)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return (UInt32(first >> 32), UInt32(truncatingIfNeeded: first))
    }

    private mutating func siftDown(_ start: Int) {
        let entry = entries[start]
        var index = start
        while true {
            var child = index * 2 + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            stepCount += 1
            guard entries[child] < entry else { break }
            entries[index] = entries[child]
            index = child
        }
        entries[index] = entry
    }
}

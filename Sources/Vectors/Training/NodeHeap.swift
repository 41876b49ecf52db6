/// Numbered nodes, the one with the smallest key on top.
struct NodeHeap {
    struct Entry {
        var key: Float
        var node: Int32

        func comesBefore(_ other: Entry) -> Bool {
            key < other.key || key == other.key && node < other.node
        }
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var top: Entry? { entries.first }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    mutating func push(key: Float, node: Int32) {
        let entry = Entry(key: key, node: node)
        entries.append(entry)
        entries.withUnsafeMutableBufferPointer { entries in
            var place = entries.count - 1
            while place > 0 {
                let parent = (place - 1) / 2
                guard entry.comesBefore(entries[parent]) else { break }
                entries[place] = entries[parent]
                place = parent
            }
            entries[place] = entry
        }
    }

    mutating func pop() -> Entry? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return top }
        entries.withUnsafeMutableBufferPointer { entries in
            var place = 0
            while true {
                var child = 2 * place + 1
                guard child < entries.count else { break }
                if child + 1 < entries.count, entries[child + 1].comesBefore(entries[child]) {
                    child += 1
                }
                guard entries[child].comesBefore(last) else { break }
                entries[place] = entries[child]
                place = child
            }
            entries[place] = last
        }
        return top
    }
}

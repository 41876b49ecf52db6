/// Which vectors a search has met; all are forgotten at once when the next search begins.
struct VisitedSet {
    private var marks: [UInt32]
    private var mark: UInt32 = 0

    init(count: Int) { marks = Array(repeating: 0, count: count) }

    mutating func clear() {
        if mark == .max {
            for i in marks.indices { marks[i] = 0 }
            mark = 0
        }
        mark += 1
    }

    /// Adds a vector; false if it was there.
    @discardableResult
    mutating func insert(_ position: Int32) -> Bool {
        if marks[Int(position)] == mark { return false }
        marks[Int(position)] = mark
        return true
    }
}

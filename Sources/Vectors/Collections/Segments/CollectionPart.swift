/// Rows that lie together: a sealed segment, or a head in memory.
protocol CollectionPart: Sendable {
    /// Rows, the deleted ones among them.
    var count: Int { get }
    /// Rows that were deleted; it may be of fewer rows than there are.
    var deleted: RowSet { get }

    func id(of row: Int) -> Int64
    func fields(of row: Int) -> [ColumnValue?]
    /// The row of an id that was not deleted.
    func row(of id: Int64) -> Int?
    /// The rows that have a value in a column which passes a test, of `count`.
    func rows(passing test: ColumnTest, column: Int) -> RowSet
    /// Gives the vectors as runs that follow each other: the first row, how many, and the values.
    func forEachRun(_ body: (Int, Int, UnsafePointer<Float>) throws -> Void) rethrows
    /// Throws if a file under the part vanished while it was in use.
    func checkIntact() throws(CollectionError)
}

extension CollectionPart {
    /// The rows that were not deleted.
    var live: RowSet {
        var rows = RowSet(all: count)
        rows.subtract(deleted)
        return rows
    }

    var liveCount: Int { count - deleted.memberCount }

    /// The rows that were not deleted and meet a predicate.
    func rows(where predicate: BoundPredicate?) -> RowSet {
        guard let predicate else { return live }
        var passing = predicate.rows(count) { column, test in
            rows(passing: test, column: column)
        }
        passing.subtract(deleted)
        return passing
    }

    /// The vector of a row.
    func vector(of row: Int, dimension: Int) -> [Float] {
        var vector: [Float] = []
        forEachRun { first, count, values in
            guard row >= first, row < first + count else { return }
            vector = Array(
                UnsafeBufferPointer(start: values + (row - first) * dimension, count: dimension))
        }
        return vector
    }
}

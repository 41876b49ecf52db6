import Synchronization

/// Rows in memory that were not sealed yet, as the thread that writes has them.
///
/// Readers have `HeadView`s. Rows never change once they are there, so they need no lock: what gave
/// them the view, the swap of the collection's state, is what makes the rows visible.
final class Head {
    let dimension: Int
    fileprivate private(set) var chunks: [HeadChunk] = []
    fileprivate private(set) var count = 0
    /// The last row of each id.
    private var rows: [Int64: Int] = [:]

    init(dimension: Int) { self.dimension = dimension }

    /// The row of an id, deleted or not.
    func lastRow(of id: Int64) -> Int? { rows[id] }

    func append(id: Int64, vector: ArraySlice<Float>, fields: [ColumnValue?]) {
        if count == chunks.count * HeadChunk.capacity {
            chunks.append(HeadChunk(dimension: dimension))
        }
        chunks[count / HeadChunk.capacity].append(id, vector, fields)
        rows[id] = count
        count += 1
    }
}

/// A fixed number of rows, filled from the front and never moved.
final class HeadChunk: @unchecked Sendable {
    static let capacity = 1024

    private let dimension: Int
    private let ids: UnsafeMutablePointer<Int64>
    private let fields: UnsafeMutablePointer<[ColumnValue?]>
    let vectors: UnsafeMutablePointer<Float>
    /// Rows that are there. Changed by the thread that writes; atomic, because the last one to let go
    /// of the chunk may be a reader that has seen fewer, and takes all of them down.
    private let count = Atomic(0)

    init(dimension: Int) {
        self.dimension = dimension
        ids = .allocate(capacity: Self.capacity)
        fields = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: Self.capacity * dimension)
    }

    deinit {
        fields.deinitialize(count: count.load(ordering: .acquiring))
        ids.deallocate()
        fields.deallocate()
        vectors.deallocate()
    }

    fileprivate func append(_ id: Int64, _ vector: ArraySlice<Float>, _ row: [ColumnValue?]) {
        let count = count.load(ordering: .relaxed)
        precondition(count < Self.capacity && vector.count == dimension, "a row that has no room")
        ids[count] = id
        (fields + count).initialize(to: row)
        vector.withUnsafeBufferPointer { source in
            if let base = source.baseAddress {
                (vectors + count * dimension).update(from: base, count: dimension)
            }
        }
        self.count.store(count + 1, ordering: .releasing)
    }

    /// - Precondition: the row is one that a view counts.
    func id(_ row: Int) -> Int64 { ids[row] }
    func fields(_ row: Int) -> [ColumnValue?] { fields[row] }
}

/// The rows of a head at one time.
struct HeadView: CollectionPart {
    private let chunks: [HeadChunk]
    let count: Int
    var deleted: RowSet

    /// - Precondition: called by the thread that writes.
    init(_ head: Head, deleted: RowSet) {
        chunks = head.chunks
        count = head.count
        self.deleted = deleted
    }

    private func place(_ row: Int) -> (chunk: HeadChunk, row: Int) {
        (chunks[row / HeadChunk.capacity], row % HeadChunk.capacity)
    }

    func id(of row: Int) -> Int64 {
        let (chunk, row) = place(row)
        return chunk.id(row)
    }

    func fields(of row: Int) -> [ColumnValue?] {
        let (chunk, row) = place(row)
        return chunk.fields(row)
    }

    func row(of id: Int64) -> Int? {
        (0..<count).last { self.id(of: $0) == id && !deleted.contains($0) }
    }

    func rows(passing test: ColumnTest, column: Int) -> RowSet {
        RowSet(count: count) { row in
            let fields = fields(of: row)
            guard column < fields.count, let value = fields[column] else { return false }
            return test.matches(value)
        }
    }

    func forEachRun(_ body: (Int, Int, UnsafePointer<Float>) throws -> Void) rethrows {
        var first = 0
        for chunk in chunks where first < count {
            let size = min(HeadChunk.capacity, count - first)
            try body(first, size, UnsafePointer(chunk.vectors))
            first += size
        }
    }

    func checkIntact() {}
}

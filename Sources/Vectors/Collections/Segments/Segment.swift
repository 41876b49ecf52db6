/// Rows that were written to a file for good, in the order of their ids.
final class Segment: Sendable {
    let number: UInt64
    let dimension: Int
    /// Rising.
    let ids: [Int64]
    let columns: [EncodedColumn]
    /// The index, whose labels are rows; nil where the vectors are scanned.
    let index: (any VectorIndex)?
    /// What the index was built by; nil where there is none.
    let description: IndexDescription?
    private let contents: any FileContents
    /// Where the vectors begin in the file.
    private let vectorOffset: Int

    var count: Int { ids.count }
    /// Bytes of the file.
    var byteCount: Int { contents.bytes.count }

    /// Reads a segment's file; everything that a search relies on is checked now.
    init(
        _ contents: any FileContents, number: UInt64, path: String, _ settings: CollectionSettings
    ) throws {
        self.number = number
        self.contents = contents
        dimension = settings.dimension
        let bytes = contents.bytes
        let outcome = Result { try SegmentFile.sections(bytes, path: path) }
        // A file cut short reads as zeros: that is the cause, whatever was made of it.
        try contents.checkIntact()
        let sections = try outcome.get()
        func section(_ name: String) throws(CollectionError) -> UnsafeRawBufferPointer {
            guard let found = sections[name] else {
                throw .damaged(path, "head", found: "there is no section '\(name)'")
            }
            return found
        }
        func read<Value>(
            _ name: String, _ body: (inout IndexReader) throws -> Value
        ) throws -> Value {
            try IndexReader.reading(try section(name), "section '\(name)'", of: path, body)
        }
        let dimension = settings.dimension
        let (count, factory) = try read("rows") { reader in
            let found = try reader.u64("number")
            try reader.require(found == number, "number", found: found, expected: "\(number)")
            let width = try reader.size("dimension")
            try reader.require(
                width == dimension, "dimension", found: width, expected: "\(dimension)")
            return (
                try reader.size("count", in: 0...CollectionSettings.segmentLimit),
                try reader.text("factory")
            )
        }
        ids = try read("ids") { reader in
            let ids = try reader.elements("ids", count: count, of: Int64.self)
            try reader.require(
                reader.remaining == 0 && (ids.first ?? 0) >= 0
                    && zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 },
                "ids", found: "in no order", expected: "rising, and not negative")
            return ids
        }
        let vectors = try section("vectors")
        let size = count.multipliedReportingOverflow(by: dimension * 4)
        guard !size.overflow, vectors.count == size.partialValue else {
            throw CollectionError.damaged(
                path, "section 'vectors'",
                found: "\(vectors.count) bytes for \(count) vectors of \(dimension)")
        }
        vectorOffset = distance(from: bytes.baseAddress, to: vectors.baseAddress)
        columns = try settings.columns.enumerated().map { number, column in
            try read("column \(number)") { reader in
                try EncodedColumn(reading: &reader, column.type, count: count)
            }
        }
        guard !factory.isEmpty else {
            (index, description) = (nil, nil)
            return
        }
        let metric = settings.metric.metric
        do {
            description = try IndexDescription(factory, dimension: dimension, metric: metric)
        } catch {
            throw CollectionError.damaged(path, "section 'rows'", found: error)
        }
        index = try read("index") { reader in
            let index = try IndexTypes.read(&reader)
            try reader.require(
                index.dimension == dimension && index.count == count && index.metric == metric
                    && index.isTrained && index.acceptedParameters.contains(.selector),
                "index", found: "another index",
                expected: "\(count) vectors of \(dimension) that can be selected")
            guard reader.remaining == 0 else {
                throw reader.failure("end", .trailingBytes(reader.remaining))
            }
            return index
        }
    }

    /// The row of an id, deleted or not.
    func row(of id: Int64) -> Int? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = low + (high - low) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    func withVectors<Result>(
        _ body: (UnsafePointer<Float>) throws -> Result
    ) rethrows -> Result? {
        guard count > 0, let base = contents.bytes.baseAddress else { return nil }
        return try body((base + vectorOffset).assumingMemoryBound(to: Float.self))
    }

    func checkIntact() throws(CollectionError) { try contents.checkIntact() }
}

/// 0 where one of them is empty.
private func distance(from start: UnsafeRawPointer?, to place: UnsafeRawPointer?) -> Int {
    guard let start, let place else { return 0 }
    return place - start
}

/// The rows of a segment at one time.
struct SegmentView: CollectionPart {
    let segment: Segment
    var deleted: RowSet

    var count: Int { segment.count }

    func id(of row: Int) -> Int64 { segment.ids[row] }

    func fields(of row: Int) -> [ColumnValue?] { segment.columns.map { $0[row] } }

    func row(of id: Int64) -> Int? {
        segment.row(of: id).flatMap { deleted.contains($0) ? nil : $0 }
    }

    func rows(passing test: ColumnTest, column: Int) -> RowSet {
        segment.columns[column].rows(passing: test)
    }

    func forEachRun(_ body: (Int, Int, UnsafePointer<Float>) throws -> Void) rethrows {
        try segment.withVectors { try body(0, segment.count, $0) }
    }

    func checkIntact() throws(CollectionError) { try segment.checkIntact() }
}

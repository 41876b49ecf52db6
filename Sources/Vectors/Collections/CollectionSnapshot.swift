/// A collection at one time. It never changes, and keeps what it needs as long as it lives.
///
/// ```swift
/// let snapshot = collection.snapshot
/// let found = try snapshot.search(queries, k: 10)
/// let years = found.labels.map { snapshot.fields(of: $0)?["year"] }   // of the same rows
/// ```
public struct CollectionSnapshot: Sendable {
    let state: CollectionState
    public let settings: CollectionSettings

    init(_ state: CollectionState, _ settings: CollectionSettings) {
        self.state = state
        self.settings = settings
    }

    /// The last operation that is in it; operations count from 1.
    public var sequence: UInt64 { state.sequence }

    /// How many vectors there are.
    public var count: Int { state.count }

    private func find(_ id: Int64) -> (part: any CollectionPart, row: Int)? {
        for part in state.parts.reversed() {
            if let row = part.row(of: id) { return (part, row) }
        }
        return nil
    }

    public func contains(_ id: Int64) -> Bool { find(id) != nil }

    /// The vector of an id, of length 1 for the cosine; nil where there is none.
    ///
    /// - Throws: `CollectionError` if the file vanished under it.
    public func vector(of id: Int64) throws -> [Float]? {
        guard let (part, row) = find(id) else { return nil }
        let vector = part.vector(of: row, dimension: settings.dimension)
        try part.checkIntact()
        return vector
    }

    /// The fields of an id, without those that are missing; nil where there is no such id.
    public func fields(of id: Int64) -> [String: ColumnValue]? {
        guard let (part, row) = find(id) else { return nil }
        var fields: [String: ColumnValue] = [:]
        for (column, value) in zip(settings.columns, part.fields(of: row)) {
            if let value { fields[column.name] = value }
        }
        return fields
    }

    /// The ids of the rows that meet a predicate, rising; all of them without one.
    ///
    /// - Throws: `PredicateError`.
    public func ids(where predicate: FieldPredicate? = nil) throws -> [Int64] {
        let bound = try predicate.map { try BoundPredicate($0, settings.columns) }
        return state.parts.flatMap { part in
            part.rows(where: bound).members.map { part.id(of: $0) }
        }.sorted()
    }

    /// How many rows meet a predicate.
    ///
    /// - Throws: `PredicateError`.
    public func count(where predicate: FieldPredicate) throws -> Int {
        let bound = try BoundPredicate(predicate, settings.columns)
        return state.parts.reduce(0) { $0 + $1.rows(where: bound).memberCount }
    }
}

extension CollectionSnapshot {
    /// Checks what opening a collection does not: that no id is there twice, and that every vector
    /// is one of finite numbers. The checksums were compared when it was opened.
    ///
    /// - Throws: `CollectionError`, which names the id.
    public func verify() throws {
        var seen = Set<Int64>(minimumCapacity: count)
        for part in state.parts {
            let live = part.live
            for row in live.members where !seen.insert(part.id(of: row)).inserted {
                throw CollectionError.damaged(
                    "the collection", "set of ids", found: "id \(part.id(of: row)) is there twice")
            }
            try part.forEachRun { first, count, values in
                for row in 0..<count where live.contains(first + row) {
                    let vector = UnsafeBufferPointer(
                        start: values + row * settings.dimension, count: settings.dimension)
                    guard vector.allSatisfy(\.isFinite) else {
                        throw CollectionError.damaged(
                            "the collection", "vector of id \(part.id(of: first + row))",
                            found: "it has components that are not finite")
                    }
                }
            }
            try part.checkIntact()
        }
    }
}

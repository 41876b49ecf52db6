import FathomTestSupport
import FathomVectors
import Testing

/// What a collection should hold: a dictionary.
struct CollectionModel: Hashable {
    struct Row: Hashable {
        var vector: [Float]
        var fields: [String: ColumnValue]
    }

    var rows: [Int64: Row] = [:]

    static let dimension = 3
    static let settings = CollectionSettings(
        dimension: dimension, metric: .l2, factory: "HNSW4",
        columns: [
            .init("year", .integer), .init("score", .double), .init("lang", .string),
            .init("draft", .boolean),
        ], sealRows: 8, indexRows: 12)

    /// Something that is done to a collection.
    enum Step {
        case add([(id: Int64, row: Row)])
        case delete([Int64])
        case seal
        case compact
    }

    static func row(_ random: inout SeededGenerator) -> Row {
        var fields: [String: ColumnValue] = [:]
        if Bool.random(using: &random) {
            fields["year"] = .integer(Int64.random(in: 2000...2010, using: &random))
        }
        if Bool.random(using: &random) {
            fields["score"] = .double(Double(Int.random(in: -4...4, using: &random)) / 4)
        }
        if Bool.random(using: &random) {
            fields["lang"] = .string(
                ["en", "de", "dé", "", "e"].randomElement(using: &random) ?? "")
        }
        if Bool.random(using: &random) {
            fields["draft"] = .boolean(Bool.random(using: &random))
        }
        // Few different values, so that equal distances happen.
        let vector = (0..<dimension).map { _ in Float(Int.random(in: -3...3, using: &random)) }
        return Row(vector: vector, fields: fields)
    }

    static func step(_ random: inout SeededGenerator, ids: Int64 = 40) -> Step {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: .seal
        case 1: .compact
        case 2...4:
            .delete(
                (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    Int64.random(in: 0..<ids, using: &random)
                })
        default:
            .add(
                Set(
                    (0..<Int.random(in: 1...5, using: &random)).map { _ in
                        Int64.random(in: 0..<ids, using: &random)
                    }
                ).sorted().map { ($0, row(&random)) })
        }
    }

    /// Carries a step out.
    mutating func apply(_ step: Step) {
        switch step {
        case .add(let added): for (id, row) in added { rows[id] = row }
        case .delete(let ids): for id in ids { rows[id] = nil }
        case .seal, .compact: break
        }
    }

    static func apply(_ step: Step, to collection: VectorCollection) throws {
        switch step {
        case .add(let added):
            try collection.add(
                VectorRows(added.flatMap(\.row.vector), dimension: dimension),
                ids: added.map(\.id), fields: added.map(\.row.fields))
        case .delete(let ids): try collection.delete(ids)
        case .seal: try collection.seal()
        case .compact: try collection.compact()
        }
    }

    /// What a snapshot holds.
    init(_ snapshot: CollectionSnapshot) throws {
        for id in try snapshot.ids() {
            rows[id] = Row(
                vector: try snapshot.vector(of: id) ?? [], fields: snapshot.fields(of: id) ?? [:])
        }
    }

    init() {}

    /// The nearest rows by comparing all.
    func nearest(
        _ query: [Float], k: Int, where condition: (Row) -> Bool = { _ in true }
    ) -> [Int64] {
        var found: [(distance: Float, id: Int64)] = []
        for (id, row) in rows where condition(row) {
            var distance: Float = 0
            for (x, y) in zip(query, row.vector) { distance += (x - y) * (x - y) }
            found.append((distance, id))
        }
        found.sort { $0 < $1 }
        let ids = found.prefix(k).map(\.id)
        return ids + Array(repeating: -1, count: k - ids.count)
    }

    /// Compares a collection with the model in every way of reading it.
    func check(
        _ collection: VectorCollection, _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let snapshot = collection.snapshot
        try #require(
            try CollectionModel(snapshot) == self, comment, sourceLocation: sourceLocation)
        #expect(snapshot.count == rows.count, comment, sourceLocation: sourceLocation)
        let query: [Float] = [0.5, -1, 2]
        let queries = try VectorRows(query, dimension: Self.dimension)
        var options = CollectionSearchOptions()
        options.isExact = true
        let found = try snapshot.search(queries, k: 6, options: options)
        #expect(
            found.labels == nearest(query, k: 6), comment, sourceLocation: sourceLocation)
        let filtered = try snapshot.search(queries, k: 4, where: Column("year") >= 2005)
        let wanted = nearest(query, k: 4) { row in
            if case .integer(let year) = row.fields["year"] { year >= 2005 } else { false }
        }
        #expect(filtered.labels == wanted, comment, sourceLocation: sourceLocation)
    }
}

/// A predicate whose columns were found and whose values have their types.
indirect enum BoundPredicate: Sendable {
    case test(column: Int, ColumnTest)
    case not(BoundPredicate)
    case all([BoundPredicate])
    case any([BoundPredicate])

    /// - Throws: `PredicateError` for a column that is not there or has another type, or a nesting
    ///   that is too deep.
    init(_ predicate: FieldPredicate, _ columns: [ColumnDefinition]) throws(PredicateError) {
        self = try Self.bind(predicate, columns, depth: 0)
    }

    private static func bind(
        _ predicate: FieldPredicate, _ columns: [ColumnDefinition], depth: Int
    ) throws(PredicateError) -> BoundPredicate {
        guard depth < FieldPredicate.depthLimit else {
            throw PredicateError(.nestedTooDeeply(limit: FieldPredicate.depthLimit))
        }
        func bindAll(_ predicates: [FieldPredicate]) throws(PredicateError) -> [BoundPredicate] {
            var bound: [BoundPredicate] = []
            for predicate in predicates {
                bound.append(try bind(predicate, columns, depth: depth + 1))
            }
            return bound
        }
        switch predicate {
        case .not(let inner): return .not(try bind(inner, columns, depth: depth + 1))
        case .all(let inner): return .all(try bindAll(inner))
        case .any(let inner): return .any(try bindAll(inner))
        case .compare(let name, let comparison, let value):
            let (number, type) = try find(name, columns)
            guard let test = ColumnTest(type, comparison, value) else {
                throw PredicateError(
                    .wrongType(
                        column: name, type: type, used: "\(comparison.rawValue) \(value)"))
            }
            return .test(column: number, test)
        case .isIn(let name, let values):
            let (number, type) = try find(name, columns)
            guard let test = ColumnTest(type, in: values) else {
                throw PredicateError(
                    .wrongType(column: name, type: type, used: "a list of other values"))
            }
            return .test(column: number, test)
        case .hasPrefix(let name, let prefix):
            let (number, type) = try find(name, columns)
            guard type == .string else {
                throw PredicateError(.wrongType(column: name, type: type, used: "starts_with"))
            }
            return .test(column: number, .prefix(Array(prefix.utf8)))
        case .exists(let name):
            return .test(column: try find(name, columns).number, .always)
        }
    }

    private static func find(
        _ name: String, _ columns: [ColumnDefinition]
    ) throws(PredicateError) -> (number: Int, type: ColumnType) {
        guard let number = columns.firstIndex(where: { $0.name == name }) else {
            throw PredicateError(.noSuchColumn(name, columns: columns.map(\.name)))
        }
        return (number, columns[number].type)
    }

    /// The rows that meet the predicate, of `count`.
    ///
    /// - Parameter test: the rows that have a value in a column which passes a test.
    func rows(_ count: Int, _ test: (Int, ColumnTest) -> RowSet) -> RowSet {
        switch self {
        case .test(let column, let columnTest): return test(column, columnTest)
        case .not(let inner):
            var rows = inner.rows(count, test)
            rows.invert()
            return rows
        case .all(let inner):
            var rows = RowSet(all: count)
            for predicate in inner { rows.formIntersection(predicate.rows(count, test)) }
            return rows
        case .any(let inner):
            var rows = RowSet(count: count)
            for predicate in inner { rows.formUnion(predicate.rows(count, test)) }
            return rows
        }
    }
}

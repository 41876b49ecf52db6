/// A condition on the columns of a row.
///
/// ```swift
/// let year = Column("year"), language = Column("lang")
/// let wanted = year >= 2020 && (language == "en" || language.hasPrefix("de"))
/// let same = try FieldPredicate(parsing: #"year >= 2020 and (lang == "en" or lang starts_with "de")"#)
/// ```
///
/// A row without a value in a column meets none of the comparisons with it, so `year != 2020`
/// asks for a row that has another year, while `!(year == 2020)` also takes rows without one.
/// Strings are compared by their UTF-8 bytes.
public indirect enum FieldPredicate: Sendable, Hashable {
    case compare(String, Comparison, ColumnValue)
    /// The value is one of a list.
    case isIn(String, [ColumnValue])
    /// The string begins with another.
    case hasPrefix(String, String)
    /// There is a value.
    case exists(String)
    case not(FieldPredicate)
    /// All are met; true for none.
    case all([FieldPredicate])
    /// At least one is met; false for none.
    case any([FieldPredicate])

    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
        case less = "<"
        case greater = ">"

        /// Whether one value stands so to another.
        func holds<Value: Comparable>(_ value: Value, _ other: Value) -> Bool {
            switch self {
            case .equal: value == other
            case .notEqual: value != other
            case .lessOrEqual: value <= other
            case .greaterOrEqual: value >= other
            case .less: value < other
            case .greater: value > other
            }
        }
    }

    /// How deep predicates may be nested.
    public static let depthLimit = 64

    public static func && (first: FieldPredicate, second: FieldPredicate) -> FieldPredicate {
        .all([first, second])
    }

    public static func || (first: FieldPredicate, second: FieldPredicate) -> FieldPredicate {
        .any([first, second])
    }

    public static prefix func ! (predicate: FieldPredicate) -> FieldPredicate { .not(predicate) }
}

/// A column in a predicate, by its name.
public struct Column: Sendable, Hashable {
    public let name: String

    public init(_ name: String) { self.name = name }

    public static func == (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .equal, value)
    }

    public static func != (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .notEqual, value)
    }

    public static func < (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .less, value)
    }

    public static func <= (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .lessOrEqual, value)
    }

    public static func > (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .greater, value)
    }

    public static func >= (column: Column, value: ColumnValue) -> FieldPredicate {
        .compare(column.name, .greaterOrEqual, value)
    }

    /// The value is one of a list.
    public func isIn(_ values: [ColumnValue]) -> FieldPredicate { .isIn(name, values) }

    /// The string begins with another.
    public func hasPrefix(_ prefix: String) -> FieldPredicate { .hasPrefix(name, prefix) }

    /// There is a value.
    public var exists: FieldPredicate { .exists(name) }
}

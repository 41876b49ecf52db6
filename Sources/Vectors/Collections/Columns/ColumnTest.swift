/// A test of a value that is there, in the terms of its column's type.
enum ColumnTest: Sendable {
    case always
    case never
    case integer(FieldPredicate.Comparison, Int64)
    case integers(Set<Int64>)
    case double(FieldPredicate.Comparison, Double)
    case doubles(Set<Double>)
    case string(FieldPredicate.Comparison, [UInt8])
    case strings(Set<[UInt8]>)
    case prefix([UInt8])
    case boolean(FieldPredicate.Comparison, Bool)
    case booleans(Set<Bool>)

    func matches(_ value: ColumnValue) -> Bool {
        switch value {
        case .integer(let value): matches(value)
        case .double(let value): matches(value)
        case .string(let value): matches(Array(value.utf8))
        case .boolean(let value): matches(value)
        }
    }

    func matches(_ value: Int64) -> Bool {
        switch self {
        case .always: true
        case .integer(let comparison, let other): comparison.holds(value, other)
        case .integers(let values): values.contains(value)
        default: false
        }
    }

    func matches(_ value: Double) -> Bool {
        switch self {
        case .always: true
        case .double(let comparison, let other): comparison.holds(value, other)
        case .doubles(let values): values.contains(value)
        default: false
        }
    }

    func matches(_ value: [UInt8]) -> Bool {
        switch self {
        case .always: true
        case .string(let comparison, let other):
            switch comparison {
            case .equal: value == other
            case .notEqual: value != other
            case .less: value.lexicographicallyPrecedes(other)
            case .lessOrEqual: !other.lexicographicallyPrecedes(value)
            case .greater: other.lexicographicallyPrecedes(value)
            case .greaterOrEqual: !value.lexicographicallyPrecedes(other)
            }
        case .strings(let values): values.contains(value)
        case .prefix(let prefix): value.starts(with: prefix)
        default: false
        }
    }

    func matches(_ value: Bool) -> Bool {
        switch self {
        case .always: true
        case .boolean(let comparison, let other):
            comparison == .equal ? value == other : value != other
        case .booleans(let values): values.contains(value)
        default: false
        }
    }
}

extension ColumnTest {
    /// A comparison, where the type of the column has it.
    init?(_ type: ColumnType, _ comparison: FieldPredicate.Comparison, _ value: ColumnValue) {
        switch (type, value) {
        case (.integer, .integer(let value)): self = .integer(comparison, value)
        case (.integer, .double(let value)): self = Self.integer(comparison, value)
        case (.double, .integer(let value)): self = .double(comparison, Double(value))
        case (.double, .double(let value)): self = .double(comparison, value)
        case (.string, .string(let value)): self = .string(comparison, Array(value.utf8))
        case (.boolean, .boolean(let value)) where comparison == .equal || comparison == .notEqual:
            self = .boolean(comparison, value)
        default: return nil
        }
    }

    /// An integer compared with a number that may have a fraction or be beyond 64 bits.
    private static func integer(
        _ comparison: FieldPredicate.Comparison, _ value: Double
    ) -> ColumnTest {
        guard !value.isNaN else { return comparison == .notEqual ? .always : .never }
        let isUp = comparison == .less || comparison == .greaterOrEqual
        let whole = value.rounded(isUp ? .up : .down)
        switch comparison {
        case .equal, .notEqual:
            guard whole == value, let exact = Int64(exactly: whole) else {
                return comparison == .equal ? .never : .always
            }
            return .integer(comparison, exact)
        default:
            guard let exact = Int64(exactly: whole) else {
                let wantsLess = comparison == .less || comparison == .lessOrEqual
                return (whole > 0) == wantsLess ? .always : .never
            }
            return .integer(comparison, exact)
        }
    }

    /// Membership of a list, where the type of the column has its values.
    init?(_ type: ColumnType, in values: [ColumnValue]) {
        switch type {
        case .integer:
            var set: Set<Int64> = []
            for value in values {
                switch value {
                case .integer(let value): set.insert(value)
                case .double(let value): if let exact = Int64(exactly: value) { set.insert(exact) }
                default: return nil
                }
            }
            self = .integers(set)
        case .double:
            var set: Set<Double> = []
            for value in values {
                switch value {
                case .integer(let value): set.insert(Double(value))
                case .double(let value): set.insert(value)
                default: return nil
                }
            }
            self = .doubles(set)
        case .string:
            var set: Set<[UInt8]> = []
            for value in values {
                guard case .string(let value) = value else { return nil }
                set.insert(Array(value.utf8))
            }
            self = .strings(set)
        case .boolean:
            var set: Set<Bool> = []
            for value in values {
                guard case .boolean(let value) = value else { return nil }
                set.insert(value)
            }
            self = .booleans(set)
        }
    }
}

/// The tests that may follow `is`.
enum TemplateTest: String {
    case odd
    case even
    case divisibleBy = "divisibleby"
    case defined
    case undefined
    case filter
    case test
    case none
    case boolean
    case isFalse = "false"
    case isTrue = "true"
    case integer
    case float
    case lower
    case upper
    case string
    case mapping
    case number
    case sequence
    case iterable
    case callable
    case sameAs = "sameas"
    case escaped
    case contained = "in"
    case equal = "=="
    case eq
    case equalTo = "equalto"
    case notEqual = "!="
    case ne
    case greater = ">"
    case gt
    case greaterThan = "greaterthan"
    case greaterOrEqual = ">="
    case ge
    case less = "<"
    case lt
    case lessThan = "lessthan"
    case lessOrEqual = "<="
    case le

    /// The comparison that the test is another name for.
    fileprivate var comparison: TemplateComparison? {
        switch self {
        case .equal, .eq, .equalTo: .equal
        case .notEqual, .ne: .notEqual
        case .greater, .gt, .greaterThan: .greater
        case .greaterOrEqual, .ge: .greaterOrEqual
        case .less, .lt, .lessThan: .less
        case .lessOrEqual, .le: .lessOrEqual
        case .contained: .contained
        default: nil
        }
    }
}

extension TemplateMachine {
    mutating func apply(
        _ test: TemplateTest, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> Bool {
        func other(_ name: String) throws(TemplateError) -> TemplateValue {
            let given = try arguments.bind("the test '\(test.rawValue)'", [name], required: 1)
            return given[0] ?? .none
        }
        if let comparison = test.comparison {
            return try compare(comparison, value, try other(test == .contained ? "seq" : "other"))
        }
        switch test {
        case .divisibleBy: return try remainderIsZero(value, try other("num"))
        case .sameAs: return Self.areSame(value, try other("other"))
        default: _ = try arguments.bind("the test '\(test.rawValue)'", [])
        }
        switch test {
        case .odd:
            return try compare(.equal, try binary(.modulo, value, .integer(2)), .integer(1))
        case .even: return try remainderIsZero(value, .integer(2))
        case .defined: return !value.isUndefined
        case .undefined: return value.isUndefined
        case .filter: return value.text.map { TemplateFilter(rawValue: $0.string) != nil } ?? false
        case .test: return value.text.map { TemplateTest(rawValue: $0.string) != nil } ?? false
        case .none: return value.isNone
        case .boolean: return if case .bool = value { true } else { false }
        case .isFalse: return if case .bool(false) = value { true } else { false }
        case .isTrue: return if case .bool(true) = value { true } else { false }
        case .integer: return if case .integer = value { true } else { false }
        case .float: return if case .number = value { true } else { false }
        case .lower: return try string(of: value).isCased(upper: false)
        case .upper: return try string(of: value).isCased(upper: true)
        case .string: return value.text != nil
        case .mapping: return if case .dict = value { true } else { false }
        case .number: return value.numberValue != nil
        case .sequence: return Self.isSequence(value)
        case .iterable: return Self.isIterable(value)
        case .callable: return Self.isCallable(value)
        default: return false
        }
    }

    private mutating func remainderIsZero(
        _ value: TemplateValue, _ divisor: TemplateValue
    ) throws(TemplateError) -> Bool {
        try compare(.equal, try binary(.modulo, value, divisor), .integer(0))
    }

    /// What has a length and items by position or key.
    private static func isSequence(_ value: TemplateValue) -> Bool {
        switch value {
        case .string, .list, .tuple, .dict, .range, .undefined: true
        default: false
        }
    }

    private static func isIterable(_ value: TemplateValue) -> Bool {
        switch value {
        case .string, .list, .tuple, .dict, .range, .view, .iterator, .loop, .undefined: true
        default: false
        }
    }

    private static func isCallable(_ value: TemplateValue) -> Bool {
        switch value {
        case .macro, .function, .method, .joiner, .loop, .undefined: true
        default: false
        }
    }

    /// Whether two values are one object; strings and numbers are compared, as small ones are
    /// shared in Python.
    private static func areSame(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
        switch (a, b) {
        case (.bool(let a), .bool(let b)): a == b
        case (.none, .none): true
        case (.integer(let a, _), .integer(let b, _)): a == b
        case (.number(let a, _), .number(let b, _)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): a === b
        case (.dict(let a), .dict(let b)): a === b
        case (.range(let a), .range(let b)): a === b
        case (.namespace(let a), .namespace(let b)): a === b
        case (.macro(let a), .macro(let b)): a === b
        case (.loop(let a), .loop(let b)): a === b
        case (.iterator(let a), .iterator(let b)): a === b
        case (.function(let a), .function(let b)): a == b
        default: false
        }
    }
}

/// A value beside a vector.
///
/// ```swift
/// let fields: [String: ColumnValue] = ["year": 2024, "lang": "en", "draft": false, "score": 0.5]
/// ```
public enum ColumnValue: Sendable, Hashable {
    case integer(Int64)
    /// Any number but NaN.
    case double(Double)
    case string(String)
    case boolean(Bool)

    public var type: ColumnType {
        switch self {
        case .integer: .integer
        case .double: .double
        case .string: .string
        case .boolean: .boolean
        }
    }
}

extension ColumnValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByBooleanLiteral
{
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension ColumnValue: CustomStringConvertible {
    /// As a predicate's text has it.
    public var description: String {
        switch self {
        case .integer(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .boolean(let value): "\(value)"
        }
    }
}

/// What a column holds; raw values are those of the files.
public enum ColumnType: UInt8, Sendable, Hashable, CaseIterable {
    case integer = 1
    case double = 2
    case string = 3
    case boolean = 4

    /// The name in settings and messages.
    public var name: String {
        switch self {
        case .integer: "integer"
        case .double: "double"
        case .string: "string"
        case .boolean: "boolean"
        }
    }

    public init?(name: some StringProtocol) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }
}

/// A named column of a collection.
public struct ColumnDefinition: Sendable, Hashable {
    public let name: String
    public let type: ColumnType

    public init(_ name: String, _ type: ColumnType) {
        self.name = name
        self.type = type
    }

    /// Letters, digits and `_`, no digit first, so that predicates can spell it.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        return isNameStart(first) && name.utf8.allSatisfy { isNameStart($0) || isDigit($0) }
    }

    static func isNameStart(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

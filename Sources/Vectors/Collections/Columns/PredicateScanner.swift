/// The words of a predicate's text, from left to right.
struct PredicateScanner {
    enum Token: Hashable {
        case name(String)
        /// `and`, `or`, `not`, `in`, `exists`, `starts_with`, `true`, `false` in any case, a
        /// comparison, a parenthesis, a bracket or a comma.
        case symbol(String)
        case value(ColumnValue)
        case end

        var text: String {
            switch self {
            case .name(let name): name
            case .symbol(let symbol): symbol
            case .value(let value): value.description
            case .end: ""
            }
        }
    }

    static let keywords: Set<String> = [
        "and", "or", "not", "in", "exists", "starts_with", "true", "false",
    ]

    private let text: String
    private let bytes: [UInt8]
    /// The byte after the token.
    private var position = 0
    /// The token that comes next, and the byte it begins at.
    private(set) var token = Token.end
    private(set) var start = 0

    static let lengthLimit = 1 << 16

    init(_ text: String) throws(PredicateError) {
        self.text = text
        bytes = Array(text.utf8)
        guard bytes.count <= Self.lengthLimit else {
            throw PredicateError(.tooLong(limit: Self.lengthLimit), in: text)
        }
        try advance()
    }

    /// An error at a byte, or at the token.
    func failure(_ reason: PredicateError.Reason, at byte: Int? = nil) -> PredicateError {
        let byte = byte ?? start
        let offset = String(decoding: bytes[..<min(byte, bytes.count)], as: UTF8.self).count
        return PredicateError(reason, in: text, offset: offset)
    }

    /// Goes past the token, if it is a symbol.
    mutating func take(_ symbols: String...) throws(PredicateError) -> Bool {
        guard case .symbol(let symbol) = token, symbols.contains(symbol) else { return false }
        try advance()
        return true
    }

    mutating func advance() throws(PredicateError) {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
            position += 1
        }
        start = position
        guard position < bytes.count else {
            token = .end
            return
        }
        let byte = bytes[position]
        if ColumnDefinition.isNameStart(byte) {
            token = word()
        } else if ColumnDefinition.isDigit(byte) || byte == 0x2D || byte == 0x2B || byte == 0x2E {
            token = .value(try number())
        } else if byte == 0x22 || byte == 0x27 {
            token = .value(.string(try string(quote: byte)))
        } else {
            token = .symbol(try symbol())
        }
    }

    private mutating func word() -> Token {
        while position < bytes.count,
            ColumnDefinition.isNameStart(bytes[position])
                || ColumnDefinition.isDigit(bytes[position])
        {
            position += 1
        }
        let name = String(decoding: bytes[start..<position], as: UTF8.self)
        let lower = name.lowercased()
        switch lower {
        case "true": return .value(true)
        case "false": return .value(false)
        default: return Self.keywords.contains(lower) ? .symbol(lower) : .name(name)
        }
    }

    private mutating func number() throws(PredicateError) -> ColumnValue {
        var isWhole = true
        position += 1
        scan: while position < bytes.count {
            switch bytes[position] {
            case 0x30...0x39: break
            case 0x2E, 0x65, 0x45: isWhole = false
            case 0x2D where bytes[position - 1] | 0x20 == 0x65: break
            case 0x2B where bytes[position - 1] | 0x20 == 0x65: break
            default: break scan
            }
            position += 1
        }
        if bytes[start] == 0x2E { isWhole = false }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(digits) { return .integer(value) }
        guard let value = Double(digits), value.isFinite else {
            throw failure(.invalid("'\(digits.prefix(60))' is no number"))
        }
        return .double(value)
    }

    private mutating func string(quote: UInt8) throws(PredicateError) -> String {
        var value: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote { return String(decoding: value, as: UTF8.self) }
            guard byte == 0x5C else {
                value.append(byte)
                continue
            }
            let escaped = position < bytes.count ? bytes[position] : 0
            position += 1
            switch escaped {
            case 0x5C, 0x22, 0x27: value.append(escaped)
            case 0x6E: value.append(0x0A)
            case 0x74: value.append(0x09)
            default:
                throw failure(
                    .invalid(#"a '\' goes before \, ", ', n or t"#), at: position - 2)
            }
        }
        throw failure(.invalid("the string that begins here has no end"))
    }

    private mutating func symbol() throws(PredicateError) -> String {
        let two = String(decoding: bytes[position..<min(position + 2, bytes.count)], as: UTF8.self)
        let known: [String: String] = [
            "==": "==", "!=": "!=", "<=": "<=", ">=": ">=", "&&": "and", "||": "or",
        ]
        if let symbol = known[two] {
            position += 2
            return symbol
        }
        switch bytes[position] {
        case 0x3C, 0x3E, 0x28, 0x29, 0x5B, 0x5D, 0x2C:
            position += 1
            return String(decoding: bytes[position - 1..<position], as: UTF8.self)
        case 0x21:
            position += 1
            return "not"
        case 0x3D:
            throw failure(.invalid("'=' compares nothing; write '=='"))
        default:
            let rest = String(decoding: bytes[position...], as: UTF8.self)
            throw failure(
                .unexpected(String(rest.prefix(1)), expected: "a column, a value or an operator"))
        }
    }
}

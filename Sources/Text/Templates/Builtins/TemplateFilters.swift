/// The filters that may follow `|`.
enum TemplateFilter: String {
    case abs
    case attr
    case batch
    case capitalize
    case center
    case count
    case d
    case `default`
    case dictsort
    case e
    case escape
    case filesizeformat
    case first
    case float
    case forceescape
    case format
    case groupby
    case indent
    case int
    case items
    case join
    case last
    case length
    case list
    case lower
    case map
    case max
    case min
    case reject
    case rejectattr
    case replace
    case reverse
    case round
    case safe
    case select
    case selectattr
    case slice
    case sort
    case string
    case striptags
    case sum
    case title
    case tojson
    case trim
    case truncate
    case unique
    case upper
    case urlencode
    case wordcount

    /// The filters of Jinja that are left out.
    private static let leftOut: Set<String> = [
        "pprint", "random", "urlize", "wordwrap", "xmlattr",
    ]

    static func unknown(_ name: String) -> TemplateError {
        if leftOut.contains(name) { return .unsupported("the filter '\(name)'") }
        return TemplateError(.syntax, "there is no filter '\(name)'")
    }
}

extension TemplateMachine {
    mutating func apply(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .tojson: return try json(value, arguments)
        case .map, .select, .reject, .selectattr, .rejectattr:
            return try applyToEach(filter, value, arguments)
        case .batch, .dictsort, .first, .groupby, .items, .join, .last, .list, .max, .min, .reverse,
            .slice, .sort, .sum, .unique:
            return try applyToItems(filter, value, arguments)
        case .abs, .filesizeformat, .float, .int, .round:
            return try applyToNumber(filter, value, arguments)
        case .count, .length:
            try checkNoArguments(filter, arguments)
            guard let length = length(of: value) else {
                throw TemplateError.value(
                    "a value of type '\(value.typeName)' has no length",
                    remedy: "put the filter 'list' before 'length' for what 'map' or 'select' gives"
                )
            }
            return .integer(length)
        case .d, .default:
            let given = try arguments.bind(
                "the filter 'default'", ["default_value", "boolean"])
            let replaces = value.isUndefined || (given[1]?.isTrue ?? false && !value.isTrue)
            return replaces ? given[0] ?? .string("") : value
        case .attr:
            let name = try requiredText(
                arguments.bind("the filter 'attr'", ["name"], required: 1)[0])
            return try pythonAttribute(name.string, name, of: value)
                ?? .undefined(.attribute(name.string, of: value.typeName))
        default: return try applyToText(filter, value, arguments)
        }
    }

    func checkNoArguments(
        _ filter: TemplateFilter, _ arguments: TemplateCallArguments
    ) throws(TemplateError) {
        _ = try arguments.bind("the filter '\(filter.rawValue)'", [])
    }

    // MARK: Numbers

    private mutating func applyToNumber(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .abs:
            try checkNoArguments(filter, arguments)
            if case .undefined(let undefined) = value { throw undefined.error }
            if case .number(let number, let origin) = value {
                return .number(number.magnitude, origin)
            }
            guard let integer = value.integerValue else {
                throw TemplateError.value("'abs' needs a number, not a '\(value.typeName)'")
            }
            return integer < 0 ? try negated(value) : .integer(integer, value.origin)
        case .int:
            let given = try arguments.bind("the filter 'int'", ["default", "base"])
            let base = try integer(given[1], or: 10, "base")
            return try Self.integer(value, base: base) ?? given[0] ?? .integer(0)
        case .float:
            let given = try arguments.bind("the filter 'float'", ["default"])
            if case .undefined(let undefined) = value { throw undefined.error }
            let number = value.text.map { TemplateNumbers.number($0) } ?? value.numberValue
            return number.map { .number($0, value.origin) } ?? given[0] ?? .number(0)
        case .round: return try round(value, arguments)
        default: return try fileSize(value, arguments)
        }
    }

    /// The integer in a value; nil if there is none.
    private static func integer(
        _ value: TemplateValue, base: Int
    ) throws(TemplateError) -> TemplateValue? {
        if case .undefined(let undefined) = value { throw undefined.error }
        if let integer = value.integerValue { return .integer(integer, value.origin) }
        if let text = value.text, let integer = TemplateNumbers.integer(text, base: base) {
            return .integer(integer, value.origin)
        }
        let number = value.text.map { TemplateNumbers.number($0) } ?? value.numberValue
        return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }
            .map { .integer($0, value.origin) }
    }

    private mutating func round(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind("the filter 'round'", ["precision", "method"])
        let decimals = try integer(given[0], or: 0, "precision")
        let method = try given[1].map { value throws(TemplateError) in
            try requiredText(value).string
        }
        guard ["common", "ceil", "floor"].contains(method ?? "common") else {
            throw TemplateError.value("'method' must be 'common', 'ceil' or 'floor'")
        }
        if case .undefined(let undefined) = value { throw undefined.error }
        guard value.numberValue != nil else {
            throw TemplateError.value("'round' needs a number, not a '\(value.typeName)'")
        }
        if let method, method != "common" {
            // Like Jinja: up or down at the scale of the last kept decimal.
            let scale = try binary(.power, .integer(10), .integer(decimals))
            let scaled = try binary(.multiply, value, scale)
            var whole = scaled
            if case .number(let number, let origin) = scaled {
                let rounded = number.rounded(method == "ceil" ? .up : .down)
                guard let integer = Int(exactly: rounded) else {
                    throw TemplateError.value("a number is too large for 'round'")
                }
                whole = .integer(integer, origin)
            }
            return try binary(.divide, whole, scale)
        }
        if case .number(let number, let origin) = value {
            return .number(TemplateNumbers.rounded(number, decimals: decimals), origin)
        }
        guard let integer = value.integerValue,
            let rounded = TemplateNumbers.rounded(integer, decimals: decimals)
        else { throw TemplateError.value("a rounded integer has more than 64 bits") }
        return .integer(rounded, value.origin)
    }

    private mutating func fileSize(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let isBinary =
            try arguments.bind("the filter 'filesizeformat'", ["binary"])[0]?.isTrue ?? false
        if case .undefined(let undefined) = value { throw undefined.error }
        let number = value.text.map { TemplateNumbers.number($0) } ?? value.numberValue
        guard let bytes = number, bytes.isFinite else {
            throw TemplateError.value("'filesizeformat' needs a number")
        }
        let base: Double = isBinary ? 1024 : 1000
        var text: String
        if bytes == 1 {
            text = "1 Byte"
        } else if bytes < base {
            text = "\(Int(exactly: bytes.rounded(.towardZero)) ?? 0) Bytes"
        } else {
            let prefixes = isBinary ? "KMGTPEZY" : "kMGTPEZY"
            var unit = base
            text = ""
            for prefix in prefixes {
                unit *= base
                text =
                    TemplateNumbers.formatted(base * bytes / unit, "f", precision: 1)
                    + " \(prefix)\(isBinary ? "i" : "")B"
                if bytes < unit { break }
            }
        }
        return .string(TemplateText(text, value.origin))
    }
}

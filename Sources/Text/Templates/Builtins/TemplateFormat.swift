/// How a field of a format string is laid out: Python's format specification.
struct TemplateFieldFormat {
    var fill: Unicode.Scalar = " "
    var alignment: Unicode.Scalar?
    var sign: Unicode.Scalar = "-"
    var isAlternate = false
    var width = 0
    var grouping: Unicode.Scalar?
    var precision: Int?
    var type: Unicode.Scalar?

    /// Reads a specification such as `>10.2f`.
    init(_ text: String) throws(TemplateError) {
        var rest = Array(text.unicodeScalars)[...]
        let alignments: [Unicode.Scalar] = ["<", ">", "=", "^"]
        if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]) {
            fill = rest.removeFirst()
            alignment = rest.removeFirst()
        } else if let first = rest.first, alignments.contains(first) {
            alignment = rest.removeFirst()
        }
        if let first = rest.first, ["+", "-", " "].contains(first) { sign = rest.removeFirst() }
        if rest.first == "z" { rest.removeFirst() }
        if rest.first == "#" {
            isAlternate = true
            rest.removeFirst()
        }
        if rest.first == "0" {
            if alignment == nil {
                fill = "0"
                alignment = "="
            }
            rest.removeFirst()
        }
        width = try Self.digits(&rest) ?? 0
        if let first = rest.first, first == "," || first == "_" { grouping = rest.removeFirst() }
        if rest.first == "." {
            rest.removeFirst()
            precision = try Self.digits(&rest)
            if precision == nil { throw TemplateError.value("a format lacks its precision") }
        }
        type = rest.popFirst()
        guard rest.isEmpty else {
            throw TemplateError.value("'\(text)' is not a format specification")
        }
    }

    private static func digits(
        _ rest: inout ArraySlice<Unicode.Scalar>
    ) throws(TemplateError) -> Int? {
        var text = ""
        while let first = rest.first, ("0"..."9").contains(first) {
            text.unicodeScalars.append(rest.removeFirst())
        }
        guard !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw TemplateError.value("a width is too large") }
        return value
    }
}

extension TemplateMachine {
    /// `str.format` of Python.
    mutating func format(
        _ format: TemplateText, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateText {
        var nextPosition = 0
        return try self.format(format, arguments, &nextPosition, depth: 0)
    }

    private mutating func format(
        _ format: TemplateText, _ arguments: TemplateCallArguments, _ nextPosition: inout Int,
        depth: Int
    ) throws(TemplateError) -> TemplateText {
        guard depth < 2 else { throw TemplateError.value("a format nests fields too deep") }
        var result = TemplateText()
        let bytes = format.bytes
        let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
        var offset = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            let isDoubled = offset + 1 < bytes.count && bytes[offset + 1] == byte
            if byte == open || byte == close {
                if isDoubled {
                    result.append(format[offset..<offset + 1])
                    offset += 2
                    continue
                }
                guard byte == open else {
                    throw TemplateError.value("a format has a single '}'")
                }
                var end = offset + 1
                var level = 1
                while end < bytes.count {
                    if bytes[end] == open { level += 1 }
                    if bytes[end] == close { level -= 1 }
                    if level == 0 { break }
                    end += 1
                }
                guard level == 0 else { throw TemplateError.value("a format has a single '{'") }
                let field = try self.field(
                    format[offset + 1..<end], arguments, &nextPosition, depth: depth)
                try checkSize(result.count + field.count)
                result.append(field)
                offset = end + 1
            } else {
                var end = offset
                while end < bytes.count, bytes[end] != open, bytes[end] != close { end += 1 }
                result.append(format[offset..<end])
                offset = end
            }
        }
        try budget.charge(result.count)
        return result
    }

    /// Formats what stands between braces: `name.attribute[key]!conversion:specification`.
    private mutating func field(
        _ field: TemplateText, _ arguments: TemplateCallArguments, _ nextPosition: inout Int,
        depth: Int
    ) throws(TemplateError) -> TemplateText {
        try budget.charge(TemplateBudget.number)
        let bytes = field.bytes
        var nameEnd = 0
        var isInBrackets = false
        while nameEnd < bytes.count {
            let byte = bytes[nameEnd]
            if byte == UInt8(ascii: "[") { isInBrackets = true }
            if byte == UInt8(ascii: "]") { isInBrackets = false }
            if !isInBrackets, byte == UInt8(ascii: "!") || byte == UInt8(ascii: ":") { break }
            nameEnd += 1
        }
        var value = try fieldValue(
            String(decoding: bytes[..<nameEnd], as: UTF8.self), arguments, &nextPosition)
        var rest = nameEnd
        if rest < bytes.count, bytes[rest] == UInt8(ascii: "!") {
            let conversion = rest + 1 < bytes.count ? bytes[rest + 1] : 0
            switch conversion {
            case UInt8(ascii: "s"): value = .string(try string(of: value))
            case UInt8(ascii: "r"): value = .string(try representation(of: value))
            case UInt8(ascii: "a"): value = .string(try asciiRepresentation(of: value))
            default: throw TemplateError.value("a format has an unknown conversion after '!'")
            }
            rest += 2
            guard rest == bytes.count || bytes[rest] == UInt8(ascii: ":") else {
                throw TemplateError.value("a format needs ':' after its conversion")
            }
        }
        var specification = ""
        if rest < bytes.count {
            let nested = field[rest + 1..<bytes.count]
            specification = try format(nested, arguments, &nextPosition, depth: depth + 1).string
        }
        return try formatted(value, specification)
    }

    private mutating func fieldValue(
        _ name: String, _ arguments: TemplateCallArguments, _ nextPosition: inout Int
    ) throws(TemplateError) -> TemplateValue {
        var rest = Array(name.unicodeScalars)[...]
        func word(_ rest: inout ArraySlice<Unicode.Scalar>, upTo ends: [Unicode.Scalar]) -> String {
            var text = ""
            while let first = rest.first, !ends.contains(first) {
                text.unicodeScalars.append(rest.removeFirst())
            }
            return text
        }
        let first = word(&rest, upTo: [".", "["])
        var value: TemplateValue
        if first.isEmpty || first.unicodeScalars.allSatisfy({ ("0"..."9").contains($0) }) {
            if !first.isEmpty, nextPosition > 0 {
                throw TemplateError.value("a format mixes numbered and unnumbered fields")
            }
            let position = first.isEmpty ? nextPosition : Int(first) ?? Int.max
            if first.isEmpty { nextPosition += 1 }
            guard position < arguments.positional.count else {
                throw TemplateError.value(
                    "a format asks for argument \(position) of \(arguments.positional.count)")
            }
            value = arguments.positional[position]
        } else {
            try budget.charge(arguments.keywords.count, each: 8)
            guard let found = arguments.keywords.first(where: { $0.name == first }) else {
                throw TemplateError.value("a format asks for '\(first)', which it is not given")
            }
            value = found.value
        }
        while let mark = rest.popFirst() {
            if mark == "." {
                let attribute = word(&rest, upTo: [".", "["])
                value = try self.attribute(attribute, TemplateText(attribute), of: value)
            } else {
                let key = word(&rest, upTo: ["]"])
                guard rest.popFirst() == "]" else {
                    throw TemplateError.value("a format lacks a ']'")
                }
                let isNumber =
                    !key.isEmpty && key.unicodeScalars.allSatisfy { ("0"..."9").contains($0) }
                value = try item(
                    isNumber ? .integer(Int(key) ?? Int.max) : .string(key), of: value)
            }
        }
        return value
    }

    /// Formats a value by a specification, as `format` of Python does.
    private mutating func formatted(
        _ value: TemplateValue, _ specification: String
    ) throws(TemplateError) -> TemplateText {
        guard !specification.isEmpty else { return try string(of: value) }
        let format = try TemplateFieldFormat(specification)
        try checkSize(format.width.addingClamped(format.precision ?? 0))
        try budget.charge(format.precision ?? 0, each: 64)
        switch value {
        case .string(var text):
            guard format.type == nil || format.type == "s", format.alignment != "=",
                format.sign == "-", format.grouping == nil
            else { throw unsuited(specification, value) }
            if let precision = format.precision {
                text = text[0..<text.offset(ofScalar: precision)]
            }
            return try place(text, format, alignment: format.alignment ?? "<")
        case .number(let number, let origin):
            return try place(
                try digits(of: number, format, specification), format, origin: origin)
        case .integer(let integer, let origin):
            if let type = format.type, "eEfFgG%".unicodeScalars.contains(type) {
                return try place(
                    try digits(of: Double(integer), format, specification), format, origin: origin)
            }
            return try place(
                try digits(of: integer, format, specification), format, origin: origin)
        case .bool(let truth):
            if format.type == nil || format.type == "s" {
                return try place(
                    TemplateText(truth ? "True" : "False"), format,
                    alignment: format.alignment ?? "<")
            }
            return try formatted(.integer(truth ? 1 : 0), specification)
        default:
            throw TemplateError.value(
                "a value of type '\(value.typeName)' takes no format specification")
        }
    }

    private func unsuited(_ specification: String, _ value: TemplateValue) -> TemplateError {
        TemplateError.value(
            "the format '\(specification)' does not suit a value of type '\(value.typeName)'")
    }

    private func digits(
        of value: Int, _ format: TemplateFieldFormat, _ specification: String
    ) throws(TemplateError) -> (sign: String, digits: String) {
        guard format.precision == nil else { throw unsuited(specification, .integer(value)) }
        let magnitude = value.magnitude
        let digits: String
        var prefix = ""
        switch format.type {
        case nil, "d", "n": digits = String(magnitude)
        case "b": (digits, prefix) = (String(magnitude, radix: 2), "0b")
        case "o": (digits, prefix) = (String(magnitude, radix: 8), "0o")
        case "x": (digits, prefix) = (String(magnitude, radix: 16), "0x")
        case "X": (digits, prefix) = (String(magnitude, radix: 16, uppercase: true), "0X")
        case "c":
            guard let code = UInt32(exactly: value), let scalar = Unicode.Scalar(code) else {
                throw TemplateError.value("\(value) is no character")
            }
            return ("", String(scalar))
        default: throw unsuited(specification, .integer(value))
        }
        let groupSize = prefix.isEmpty ? 3 : 4
        let grouped = Self.grouped(digits, format.grouping, size: groupSize)
        let sign = Self.sign(isNegative: value < 0, format)
        return (sign + (format.isAlternate ? prefix : ""), grouped)
    }

    private func digits(
        of value: Double, _ format: TemplateFieldFormat, _ specification: String
    ) throws(TemplateError) -> (sign: String, digits: String) {
        let isNegative = value.sign == .minus && !value.isNaN
        let sign = Self.sign(isNegative: isNegative, format)
        let type = format.type ?? (format.precision == nil ? "r" : "g")
        guard value.isFinite else {
            let word = value.isNaN ? "nan" : "inf"
            return (sign, "EFG".unicodeScalars.contains(type) ? word.uppercased() : word)
        }
        let precision = format.precision ?? 6
        let magnitude = value.magnitude
        var text: String
        switch type {
        case "r": text = TemplateNumbers.text(magnitude)
        case "e", "E", "f", "F", "g", "G":
            text = TemplateNumbers.formatted(
                magnitude, Character(Unicode.Scalar(type.value | 0x20) ?? "g"),
                precision: precision, alternate: format.isAlternate)
            if format.type == nil, !text.contains("."), !text.contains("e") { text += ".0" }
            if "EFG".unicodeScalars.contains(type) { text = text.uppercased() }
        case "%":
            text = TemplateNumbers.formatted(magnitude * 100, "f", precision: precision) + "%"
        default: throw unsuited(specification, .number(value))
        }
        let whole = text.prefix { $0.isNumber }
        return (
            sign,
            Self.grouped(String(whole), format.grouping, size: 3) + text.dropFirst(whole.count)
        )
    }

    private static func sign(isNegative: Bool, _ format: TemplateFieldFormat) -> String {
        isNegative ? "-" : format.sign == "-" ? "" : String(format.sign)
    }

    private static func grouped(_ digits: String, _ mark: Unicode.Scalar?, size: Int) -> String {
        guard let mark, digits.utf8.count > size else { return digits }
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % size == 0 {
                result.unicodeScalars.append(mark)
            }
            result.append(digit)
        }
        return result
    }

    private mutating func place(
        _ number: (sign: String, digits: String), _ format: TemplateFieldFormat,
        origin: TemplateOrigin
    ) throws(TemplateError) -> TemplateText {
        if format.alignment == "=" {
            let missing = max(format.width - number.sign.count - number.digits.count, 0)
            let fill = String(repeating: Character(format.fill), count: missing)
            return TemplateText(number.sign + fill + number.digits, origin)
        }
        return try place(
            TemplateText(number.sign + number.digits, origin), format,
            alignment: format.alignment ?? ">")
    }

    private mutating func place(
        _ text: TemplateText, _ format: TemplateFieldFormat, alignment: Unicode.Scalar
    ) throws(TemplateError) -> TemplateText {
        let fill = TemplateText(String(format.fill))
        switch alignment {
        case "<": return try pad(text, to: format.width, with: fill, "ljust")
        case ">": return try pad(text, to: format.width, with: fill, "rjust")
        default:
            let missing = max(format.width - text.scalarCount, 0)
            let left = try pad(
                text, to: format.width - (missing - missing / 2), with: fill, "rjust")
            return try pad(left, to: format.width, with: fill, "ljust")
        }
    }

    /// The text of a value with everything beyond ASCII escaped, as `ascii` of Python gives it.
    mutating func asciiRepresentation(
        of value: TemplateValue
    ) throws(TemplateError) -> TemplateText {
        let text = try representation(of: value)
        return text.mapStretches { slice, _ in
            var result: [UInt8] = []
            for scalar in String(decoding: slice, as: UTF8.self).unicodeScalars {
                guard scalar.value >= 0x80 else {
                    result.append(UInt8(scalar.value))
                    continue
                }
                let digits = String(scalar.value, radix: 16)
                let (mark, width) =
                    scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
                result += "\\\(mark)".utf8
                result += String(repeating: "0", count: width - digits.count).utf8
                result += digits.utf8
            }
            return result
        }
    }
}

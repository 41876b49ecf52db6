extension TemplateMachine {
    /// The flags, width and precision of a conversion such as `%-5.2f`.
    private struct Conversion {
        var isAlternate = false
        var padsWithZeros = false
        var isLeftAligned = false
        var sign = ""
        var width = 0
        var precision: Int?
    }

    /// The values a format takes one after the other, or by name.
    private struct Arguments {
        var values: [TemplateValue]
        var mapping: TemplateDict?
        var next = 0

        mutating func take() throws(TemplateError) -> TemplateValue {
            guard next < values.count else {
                throw TemplateError.value("a format needs more than \(values.count) values")
            }
            next += 1
            return values[next - 1]
        }
    }

    /// `format % values` of Python.
    mutating func formatted(
        _ format: TemplateText, with value: TemplateValue
    ) throws(TemplateError) -> TemplateText {
        var arguments = Arguments(values: [value])
        if case .tuple(let list) = value { arguments.values = list.items }
        if case .dict(let dict) = value { arguments.mapping = dict }
        var usesNames = false
        var result = TemplateText()
        let bytes = format.bytes
        var offset = 0
        while offset < bytes.count {
            let end = bytes[offset...].firstIndex(of: UInt8(ascii: "%")) ?? bytes.count
            result.append(format[offset..<end])
            guard end < bytes.count else { break }
            offset = end + 1
            try budget.charge(TemplateBudget.key)
            let piece = try converted(format, &offset, &arguments, &usesNames)
            try checkSize(result.count + piece.count)
            result.append(piece)
        }
        try budget.charge(result.count)
        // A mapping or list that no conversion used is not an argument too many.
        let isContainer =
            switch value {
            case .dict, .list, .range, .undefined: true
            default: false
            }
        guard usesNames || arguments.next == arguments.values.count || isContainer else {
            throw TemplateError.value(
                "a format takes \(arguments.next) of the \(arguments.values.count) values it is given"
            )
        }
        return result
    }

    /// Formats the conversion that begins after a percent sign.
    private mutating func converted(
        _ format: TemplateText, _ offset: inout Int, _ arguments: inout Arguments,
        _ usesNames: inout Bool
    ) throws(TemplateError) -> TemplateText {
        let bytes = format.bytes
        func current() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }
        var named: TemplateValue?
        if current() == UInt8(ascii: "(") {
            guard let close = bytes[offset...].firstIndex(of: UInt8(ascii: ")")) else {
                throw TemplateError.value("a format lacks a ')'")
            }
            guard let mapping = arguments.mapping else {
                throw TemplateError.value("a format with names needs a mapping")
            }
            let key = format[offset + 1..<close]
            guard let value = mapping.value(of: key) else {
                throw TemplateError.value(
                    "a format asks for '\(key.string)', which it is not given")
            }
            named = value
            usesNames = true
            offset = close + 1
        }
        var conversion = Conversion()
        flags: while let byte = current() {
            switch byte {
            case UInt8(ascii: "#"): conversion.isAlternate = true
            case UInt8(ascii: "0"): conversion.padsWithZeros = true
            case UInt8(ascii: "-"): conversion.isLeftAligned = true
            case UInt8(ascii: " "): conversion.sign = conversion.sign == "+" ? "+" : " "
            case UInt8(ascii: "+"): conversion.sign = "+"
            default: break flags
            }
            offset += 1
        }
        if let width = try size(bytes, &offset, &arguments) {
            conversion.width = width.magnitude > UInt(Int.max) ? Int.max : Int(width.magnitude)
            if width < 0 { conversion.isLeftAligned = true }
        }
        if current() == UInt8(ascii: ".") {
            offset += 1
            conversion.precision = max(try size(bytes, &offset, &arguments) ?? 0, 0)
        }
        try checkSize(conversion.width.addingClamped(conversion.precision ?? 0))
        while let byte = current(), "hlL".utf8.contains(byte) { offset += 1 }
        guard let type = current() else { throw TemplateError.value("a format ends after '%'") }
        offset += 1
        if type == UInt8(ascii: "%") { return TemplateText("%") }
        let value = if let named { named } else { try arguments.take() }
        return try converted(value, Character(Unicode.Scalar(type)), conversion)
    }

    private func size(
        _ bytes: [UInt8], _ offset: inout Int, _ arguments: inout Arguments
    ) throws(TemplateError) -> Int? {
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "*") {
            offset += 1
            guard let value = try arguments.take().integerValue else {
                throw TemplateError.value("'*' in a format needs an integer")
            }
            return value
        }
        var text = ""
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) {
            text.unicodeScalars.append(Unicode.Scalar(bytes[offset]))
            offset += 1
        }
        guard !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw TemplateError.value("a width is too large") }
        return value
    }

    private mutating func converted(
        _ value: TemplateValue, _ type: Character, _ conversion: Conversion
    ) throws(TemplateError) -> TemplateText {
        var text: TemplateText
        switch type {
        case "s": text = try string(of: value)
        case "r": text = try representation(of: value)
        case "a": text = try asciiRepresentation(of: value)
        case "c":
            if let code = value.integerValue {
                guard let code = UInt32(exactly: code), let scalar = Unicode.Scalar(code) else {
                    throw TemplateError.value("\(code) is no character")
                }
                text = TemplateText(String(scalar), value.origin)
            } else {
                text = try requiredText(value)
                guard text.scalarCount == 1 else {
                    throw TemplateError.value("'%c' needs one character")
                }
            }
            return try pad(
                text, to: conversion.width, with: TemplateText(" "),
                conversion.isLeftAligned ? "ljust" : "rjust")
        default: return try convertedNumber(value, type, conversion)
        }
        if let precision = conversion.precision {
            text = text[0..<text.offset(ofScalar: precision)]
        }
        return try pad(
            text, to: conversion.width, with: TemplateText(" "),
            conversion.isLeftAligned ? "ljust" : "rjust")
    }

    private mutating func convertedNumber(
        _ value: TemplateValue, _ type: Character, _ conversion: Conversion
    ) throws(TemplateError) -> TemplateText {
        if case .undefined(let undefined) = value { throw undefined.error }
        func needed(_ what: String) -> TemplateError {
            TemplateError.value(
                "'%\(type)' needs \(what), and got a value of type '\(value.typeName)'")
        }
        var digits: String
        var prefix = ""
        let isNegative: Bool
        switch type {
        case "d", "i", "u", "o", "x", "X":
            let integer: Int
            if let exact = value.integerValue {
                integer = exact
            } else if case .number(let number, _) = value, "diu".contains(type) {
                guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                    throw TemplateError.value("a number is too large for '%\(type)'")
                }
                integer = whole
            } else {
                throw needed("an integer")
            }
            isNegative = integer < 0
            switch type {
            case "o": (digits, prefix) = (String(integer.magnitude, radix: 8), "0o")
            case "x": (digits, prefix) = (String(integer.magnitude, radix: 16), "0x")
            case "X":
                (digits, prefix) = (String(integer.magnitude, radix: 16, uppercase: true), "0X")
            default: digits = String(integer.magnitude)
            }
            if !conversion.isAlternate { prefix = "" }
            if let precision = conversion.precision {
                digits =
                    String(repeating: "0", count: max(precision - digits.utf8.count, 0)) + digits
            }
        case "e", "E", "f", "F", "g", "G":
            guard let number = value.numberValue else { throw needed("a number") }
            isNegative = number.sign == .minus && !number.isNaN
            try budget.charge(TemplateBudget.number + (conversion.precision ?? 0) * 64)
            if number.isFinite {
                digits = TemplateNumbers.formatted(
                    number.magnitude, Character(type.lowercased()),
                    precision: conversion.precision ?? 6, alternate: conversion.isAlternate)
            } else {
                digits = number.isNaN ? "nan" : "inf"
            }
            if type.isUppercase { digits = digits.uppercased() }
        default: throw TemplateError.value("a format has the unknown conversion '%\(type)'")
        }
        let sign = (isNegative ? "-" : conversion.sign) + prefix
        if conversion.padsWithZeros, !conversion.isLeftAligned {
            let missing = max(conversion.width - sign.utf8.count - digits.utf8.count, 0)
            digits = String(repeating: "0", count: missing) + digits
        }
        return try pad(
            TemplateText(sign + digits, value.origin), to: conversion.width,
            with: TemplateText(" "), conversion.isLeftAligned ? "ljust" : "rjust")
    }
}

extension TemplateMachine {
    /// The filter `tojson`: `json.dumps` of Python with the options that chat templates may give.
    mutating func json(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let options = try arguments.bind(
            "the filter 'tojson'", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var writer = TemplateJSONWriter(limits: limits, budget: budget)
        writer.escapesNonASCII = options[0]?.isTrue ?? false
        writer.sortsKeys = options[3]?.isTrue ?? false
        if let indent = options[1], !indent.isNone {
            if let width = indent.integerValue {
                try checkSize(max(width, 0).multipliedClamped(by: value.depth + 1))
                writer.indentation = TemplateText(String(repeating: " ", count: max(width, 0)))
            } else if let text = indent.text {
                writer.indentation = text
            } else {
                throw TemplateError.value("'indent' must be an integer or a string")
            }
            writer.itemSeparator = TemplateText(",")
        }
        if let separators = options[2], !separators.isNone {
            let pair = try items(of: separators)
            guard pair.count == 2, let item = pair[0].text, let key = pair[1].text else {
                throw TemplateError.value(
                    "'separators' must be two strings", remedy: "write separators=(',', ':')")
            }
            (writer.itemSeparator, writer.keySeparator) = (item, key)
        }
        try writer.write(value, value.origin, level: 0)
        budget = writer.budget
        return .string(writer.result)
    }
}

/// Writes values as JSON, keeping who wrote which part.
private struct TemplateJSONWriter {
    let limits: TemplateLimits
    var budget: TemplateBudget
    var escapesNonASCII = false
    var sortsKeys = false
    var indentation: TemplateText?
    var itemSeparator = TemplateText(", ")
    var keySeparator = TemplateText(": ")
    var result = TemplateText()

    init(limits: TemplateLimits, budget: TemplateBudget) {
        self.limits = limits
        self.budget = budget
    }

    private mutating func append(_ text: TemplateText) throws(TemplateError) {
        try budget.charge(TemplateBudget.item + text.count * 8)
        result.append(text)
        guard result.count <= limits.valueBytes else {
            throw TemplateError.limit(
                "a JSON text has more than \(limits.valueBytes) bytes", knob: "valueBytes")
        }
    }

    private mutating func append(_ text: String, _ origin: TemplateOrigin) throws(TemplateError) {
        try append(TemplateText(text, origin))
    }

    /// Writes a value whose brackets and quotes have the origin of what it is a part of.
    mutating func write(
        _ value: TemplateValue, _ origin: TemplateOrigin, level: Int
    ) throws(TemplateError) {
        switch value {
        case .none: try append("null", origin)
        case .bool(let value): try append(value ? "true" : "false", origin)
        case .integer(let value, let own): try append(String(value), origin | own)
        case .number(let value, let own):
            try budget.charge(TemplateBudget.number)
            try append(Self.text(value), origin | own)
        case .string(let text): try write(text, origin)
        case .list(let list), .tuple(let list):
            let own = origin | list.origin
            guard !list.items.isEmpty else { return try append("[]", own) }
            try append("[", own)
            for (index, item) in list.items.enumerated() {
                try separate(isFirst: index == 0, own, level: level + 1)
                try write(item, own, level: level + 1)
            }
            try breakLine(own, level: level)
            try append("]", own)
        case .dict(let dict):
            let own = origin | dict.origin
            guard !dict.isEmpty else { return try append("{}", own) }
            try append("{", own)
            for (place, index) in try order(of: dict).enumerated() {
                try separate(isFirst: place == 0, own, level: level + 1)
                try write(try Self.key(dict.keys[index]), own)
                try append(recoloured(keySeparator, own))
                try write(dict.values[index], own, level: level + 1)
            }
            try breakLine(own, level: level)
            try append("}", own)
        default:
            if case .undefined(let undefined) = value { throw undefined.error }
            throw TemplateError.value("JSON has no place for a value of type '\(value.typeName)'")
        }
    }

    /// A separator inside of content is content too.
    private func recoloured(_ text: TemplateText, _ origin: TemplateOrigin) -> TemplateText {
        origin == .content ? TemplateText(text.bytes, .content) : text
    }

    private mutating func separate(
        isFirst: Bool, _ origin: TemplateOrigin, level: Int
    ) throws(TemplateError) {
        if !isFirst { try append(recoloured(itemSeparator, origin)) }
        try breakLine(origin, level: level)
    }

    private mutating func breakLine(_ origin: TemplateOrigin, level: Int) throws(TemplateError) {
        guard let indentation else { return }
        try append("\n", origin)
        for _ in 0..<level { try append(recoloured(indentation, origin)) }
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return TemplateNumbers.text(value)
    }

    private static func key(_ value: TemplateValue) throws(TemplateError) -> TemplateText {
        switch value {
        case .string(let text): return text
        case .none: return TemplateText("null")
        case .bool(let value): return TemplateText(value ? "true" : "false")
        case .integer(let value, let origin): return TemplateText(String(value), origin)
        case .number(let value, let origin): return TemplateText(text(value), origin)
        default:
            throw TemplateError.value(
                "a key of JSON must be a string, and a value of type '\(value.typeName)' is none")
        }
    }

    /// The positions of a mapping's pairs in the order they are written.
    private func order(of dict: TemplateDict) throws(TemplateError) -> [Int] {
        guard sortsKeys else { return Array(dict.keys.indices) }
        let areTexts = dict.keys.allSatisfy { $0.text != nil }
        guard areTexts || dict.keys.allSatisfy({ $0.numberValue != nil }) else {
            throw TemplateError.value("keys of different types cannot be sorted")
        }
        return dict.keys.indices.sorted { first, second in
            let (a, b) = (dict.keys[first], dict.keys[second])
            if let a = a.text, let b = b.text { return a < b }
            return TemplateMachine.compareNumbers(a, b).map { $0 < 0 } ?? false
        }
    }

    private mutating func write(
        _ text: TemplateText, _ outer: TemplateOrigin
    ) throws(TemplateError) {
        let origin = outer | text.overallOrigin
        try append("\"", origin)
        for (range, own) in text.stretches {
            var escaped: [UInt8] = []
            escaped.reserveCapacity(range.count)
            var offset = range.lowerBound
            while offset < range.upperBound {
                let byte = text.bytes[offset]
                if byte < 0x80 {
                    Self.escape(byte, into: &escaped)
                    offset += 1
                } else if escapesNonASCII {
                    let (scalar, length) = TemplateText.decode(text.bytes, at: offset)
                    for unit in UTF16.encode(scalar) ?? .init() {
                        Self.escape(unit: unit, into: &escaped)
                    }
                    offset += length
                } else {
                    escaped.append(byte)
                    offset += 1
                }
            }
            try append(TemplateText(escaped, outer | own))
        }
        try append("\"", origin)
    }

    private static func escape(_ byte: UInt8, into text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
        case 0x08: text += "\\b".utf8
        case 0x09: text += "\\t".utf8
        case 0x0A: text += "\\n".utf8
        case 0x0C: text += "\\f".utf8
        case 0x0D: text += "\\r".utf8
        case 0..<0x20: escape(unit: UInt16(byte), into: &text)
        default: text.append(byte)
        }
    }

    private static func escape(unit: UInt16, into text: inout [UInt8]) {
        let digits = String(unit, radix: 16)
        text += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
    }
}

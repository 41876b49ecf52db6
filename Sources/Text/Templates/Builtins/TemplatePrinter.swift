extension TemplateMachine {
    /// The text of a value, as `str` of Python gives it.
    mutating func string(of value: TemplateValue) throws(TemplateError) -> TemplateText {
        switch value {
        case .string(let text): return text
        case .undefined, .missing: return TemplateText()
        default: return try representation(of: value)
        }
    }

    /// The text of a value, as `repr` of Python gives it.
    mutating func representation(of value: TemplateValue) throws(TemplateError) -> TemplateText {
        var printer = TemplatePrinter(limits: limits, budget: budget)
        try printer.print(value, value.origin, depth: 0)
        budget = printer.budget
        return printer.result
    }
}

/// Writes values in the syntax of Python.
private struct TemplatePrinter {
    let limits: TemplateLimits
    var budget: TemplateBudget
    var result = TemplateText()

    private mutating func write(_ text: String, _ origin: TemplateOrigin) throws(TemplateError) {
        try budget.charge(TemplateBudget.item + text.utf8.count * 16)
        result.append(text.utf8, origin)
        guard result.count <= limits.valueBytes else {
            throw TemplateError.limit(
                "a printed value has more than \(limits.valueBytes) bytes", knob: "valueBytes")
        }
    }

    /// Writes a value whose brackets and quotes have the origin of what it is a part of.
    mutating func print(
        _ value: TemplateValue, _ origin: TemplateOrigin, depth: Int
    ) throws(TemplateError) {
        // Only a namespace can contain itself.
        guard depth <= limits.valueDepth + 1 else {
            throw TemplateError.limit(
                "a printed value nests more than \(limits.valueDepth) levels deep",
                knob: "valueDepth")
        }
        switch value {
        case .missing, .undefined: try write("Undefined", origin)
        case .none: try write("None", origin)
        case .bool(let value): try write(value ? "True" : "False", origin)
        case .integer(let value, let own): try write(String(value), origin | own)
        case .number(let value, let own):
            try budget.charge(TemplateBudget.number)
            try write(TemplateNumbers.text(value), origin | own)
        case .string(let text): try print(text, origin)
        case .list(let list):
            try print(list.items, in: ("[", "]"), origin | list.origin, depth: depth)
        case .tuple(let list):
            try print(
                list.items, in: ("(", list.items.count == 1 ? ",)" : ")"), origin | list.origin,
                depth: depth)
        case .dict(let dict):
            try print(dict.keys, dict.values, origin | dict.origin, depth: depth)
        case .view(let dict, let view): try print(dict, view, origin | dict.origin, depth: depth)
        case .range(let range):
            let step = range.step == 1 ? "" : ", \(range.step)"
            try write("range(\(range.start), \(range.stop)\(step))", origin)
        case .namespace(let namespace):
            try write("<Namespace ", origin)
            try print(
                namespace.names.map { .string(TemplateText($0)) }, namespace.values, origin,
                depth: depth)
            try write(">", origin)
        case .loop(let loop): try write("<LoopContext \(loop.index0 + 1)/\(loop.length)>", origin)
        case .macro(let macro):
            guard let name = macro.shape.name else { return try write("<Macro anonymous>", origin) }
            try write("<Macro ", origin)
            try print(TemplateText(name), origin)
            try write(">", origin)
        case .function(let function): try write("<function \(function.rawValue)>", origin)
        case .method(let method):
            try write(
                "<built-in method \(method.name) of \(method.receiver.typeName) object>", origin)
        case .iterator, .cycler, .joiner: try write("<\(value.typeName) object>", origin)
        }
    }

    private mutating func print(
        _ items: [TemplateValue], in brackets: (String, String), _ origin: TemplateOrigin,
        depth: Int
    ) throws(TemplateError) {
        try write(brackets.0, origin)
        for (index, item) in items.enumerated() {
            if index > 0 { try write(", ", origin) }
            try print(item, origin, depth: depth + 1)
        }
        try write(brackets.1, origin)
    }

    private mutating func print(
        _ keys: [TemplateValue], _ values: [TemplateValue], _ origin: TemplateOrigin, depth: Int
    ) throws(TemplateError) {
        try write("{", origin)
        for (index, key) in keys.enumerated() {
            if index > 0 { try write(", ", origin) }
            try print(key, origin, depth: depth + 1)
            try write(": ", origin)
            try print(values[index], origin, depth: depth + 1)
        }
        try write("}", origin)
    }

    private mutating func print(
        _ dict: TemplateDict, _ view: TemplateView, _ origin: TemplateOrigin, depth: Int
    ) throws(TemplateError) {
        try write(view.typeName + "(", origin)
        let items =
            switch view {
            case .keys: dict.keys
            case .values: dict.values
            case .items: (0..<dict.count).map { dict.item(at: $0) }
            }
        try print(items, in: ("[", "]"), origin, depth: depth)
        try write(")", origin)
    }

    /// Writes a string in quotes.
    private mutating func print(
        _ text: TemplateText, _ outer: TemplateOrigin
    ) throws(TemplateError) {
        let origin = outer | text.overallOrigin
        let usesDouble = text.bytes.contains(UInt8(ascii: "'")) && !text.bytes.contains(0x22)
        let quote = usesDouble ? "\"" : "'"
        try write(quote, origin)
        for (range, own) in text.stretches {
            let part = String(decoding: text.bytes[range], as: UTF8.self)
            var escaped = ""
            for scalar in part.unicodeScalars {
                Self.escape(scalar, quote: quote, into: &escaped)
            }
            try write(escaped, outer | own)
        }
        try write(quote, origin)
    }

    private static func escape(_ scalar: Unicode.Scalar, quote: String, into text: inout String) {
        switch scalar {
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case "'" where quote == "'": text += "\\'"
        case " "..."~": text.unicodeScalars.append(scalar)
        default:
            if scalar.value >= 0x80, scalar.isTemplatePrintable {
                text.unicodeScalars.append(scalar)
                return
            }
            let digits = String(scalar.value, radix: 16)
            let (mark, width) =
                scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
            text += "\\\(mark)" + String(repeating: "0", count: width - digits.count) + digits
        }
    }
}

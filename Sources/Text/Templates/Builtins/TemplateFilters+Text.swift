extension TemplateMachine {
    /// Applies a filter that works on the text of a value.
    mutating func applyToText(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let text = try string(of: value)
        try budget.charge(text.workUnits)
        let name = "the filter '\(filter.rawValue)'"
        switch filter {
        case .trim:
            let given = try arguments.bind(name, ["chars"])
            return .string(text.stripped(.both, of: try optionalText(given[0], "chars")))
        case .replace:
            let given = try arguments.bind(name, ["old", "new", "count"], required: 2)
            let count = given[2].flatMap { $0.isNone ? nil : $0 }
            return .string(
                try replace(
                    string(of: given[0] ?? .none), in: text, with: string(of: given[1] ?? .none),
                    count: integer(count, or: -1, "count")))
        case .center:
            let width = try integer(arguments.bind(name, ["width"])[0], or: 80, "width")
            return .string(try pad(text, to: width, with: TemplateText(" "), "center"))
        case .indent: return .string(try indent(value, arguments))
        case .truncate: return try truncate(value, arguments)
        case .format:
            guard arguments.positional.isEmpty || arguments.keywords.isEmpty else {
                throw TemplateError.value("'format' takes values by position or by name, not both")
            }
            if arguments.keywords.isEmpty {
                return .string(
                    try formatted(text, with: .tuple(try makeList(arguments.positional))))
            }
            let pairs = arguments.keywords.map {
                (key: TemplateValue.string($0.name), value: $0.value)
            }
            return .string(try formatted(text, with: .dict(try makeDict(pairs))))
        case .urlencode:
            try checkNoArguments(filter, arguments)
            return .string(try urlEncoded(value))
        default: break
        }
        try checkNoArguments(filter, arguments)
        switch filter {
        case .capitalize: return .string(text.capitalized)
        case .lower: return .string(text.lowercased)
        case .upper: return .string(text.uppercased)
        case .title: return .string(text.jinjaTitlecased)
        case .e, .escape, .forceescape: return .string(try escaped(text))
        case .striptags: return .string(strippingTags(text))
        case .wordcount:
            var count = 0
            var isInWord = false
            for scalar in text.string.unicodeScalars {
                let belongs = scalar == "_" || scalar.isTemplateAlphanumeric
                if belongs, !isInWord { count += 1 }
                isInWord = belongs
            }
            return .integer(count)
        default: return .string(text)
        }
    }

    private mutating func indent(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateText {
        let given = try arguments.bind("the filter 'indent'", ["width", "first", "blank"])
        let text = try requiredText(value)
        var indentation: TemplateText
        if let own = given[0]?.text {
            indentation = own
        } else {
            let width = try integer(given[0], or: 4, "width")
            try checkSize(width)
            indentation = TemplateText(String(repeating: " ", count: max(width, 0)))
        }
        var ended = text
        ended.append(TemplateText("\n"))
        let lines = ended.lines()
        try budget.charge(lines.count, each: TemplateBudget.object)
        try checkSize(
            text.count.addingClamped(indentation.count.multipliedClamped(by: lines.count)))
        let indentsFirst = given[1]?.isTrue ?? false
        let indentsBlank = given[2]?.isTrue ?? false
        var result = TemplateText()
        for (index, line) in lines.enumerated() {
            if index > 0 { result.append(TemplateText("\n")) }
            if index == 0 ? indentsFirst : indentsBlank || !line.isEmpty {
                result.append(indentation)
            }
            result.append(line)
        }
        try budget.charge(result.count)
        return result
    }

    private mutating func truncate(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind(
            "the filter 'truncate'", ["length", "killwords", "end", "leeway"])
        let length = try integer(given[0], or: 255, "length")
        let end = try given[2].map { value throws(TemplateError) in try requiredText(value) }
        let mark = end ?? TemplateText("...")
        let leeway = try integer(given[3].flatMap { $0.isNone ? nil : $0 }, or: 5, "leeway")
        let room = length.addingClamped(-mark.scalarCount)
        guard room >= 0, leeway >= 0 else {
            throw TemplateError.value("'truncate' to \(length) leaves no room for its ending")
        }
        if let count = self.length(of: value), count <= length.addingClamped(leeway) {
            return value
        }
        let text = try requiredText(value)
        var result = text[0..<text.offset(ofScalar: room)]
        if !(given[1]?.isTrue ?? false),
            let space = result.rangesFromEnd(of: [UInt8(ascii: " ")], atMost: 1).first
        {
            result = result[0..<space.lowerBound]
        }
        result.append(mark)
        return .string(result)
    }

    // MARK: For web pages

    private mutating func escaped(_ text: TemplateText) throws(TemplateError) -> TemplateText {
        try checkSize(text.count.multipliedClamped(by: 5))
        return text.mapStretches { slice, _ in
            var result: [UInt8] = []
            for byte in slice {
                switch byte {
                case UInt8(ascii: "&"): result += "&amp;".utf8
                case UInt8(ascii: "<"): result += "&lt;".utf8
                case UInt8(ascii: ">"): result += "&gt;".utf8
                case UInt8(ascii: "'"): result += "&#39;".utf8
                case UInt8(ascii: "\""): result += "&#34;".utf8
                default: result.append(byte)
                }
            }
            return result
        }
    }

    /// The text without comments and tags of HTML, its whitespace joined to single spaces.
    private func strippingTags(_ text: TemplateText) -> TemplateText {
        var rest = text
        for (opening, closing) in [("<!--", "-->"), ("<", ">")] {
            var ranges: [Range<Int>] = []
            var start = 0
            while let open = rest.firstRange(of: Array(opening.utf8), from: start),
                let close = rest.firstRange(of: Array(closing.utf8), from: open.lowerBound)
            {
                ranges.append(open.lowerBound..<close.upperBound)
                start = close.upperBound
            }
            rest = TemplateText().joining(rest.parts(between: ranges))
        }
        return TemplateText(" ").joining(rest.words(atMost: .max)).unescapingHTML
    }

    private mutating func urlEncoded(
        _ value: TemplateValue
    ) throws(TemplateError) -> TemplateText {
        let pairs: [TemplateValue]
        switch value {
        case .dict(let dict): pairs = (0..<dict.count).map { dict.item(at: $0) }
        case .list, .tuple, .view, .iterator: pairs = try items(of: value)
        default: return try string(of: value).percentEncoded(keepsSlash: true)
        }
        var parts: [TemplateText] = []
        for pair in pairs {
            let both = try items(of: pair)
            guard both.count == 2 else {
                throw TemplateError.value("'urlencode' needs a text, a mapping or pairs")
            }
            var part = try string(of: both[0]).percentEncoded(keepsSlash: false)
            part.append(TemplateText("="))
            part.append(try string(of: both[1]).percentEncoded(keepsSlash: false))
            parts.append(part)
        }
        return try join(parts, with: TemplateText("&"))
    }
}

extension TemplateText {
    fileprivate func percentEncoded(keepsSlash: Bool) -> TemplateText {
        let digits = Array("0123456789ABCDEF".utf8)
        return mapStretches { slice, _ in
            var result: [UInt8] = []
            for byte in slice {
                let isPlain =
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || "_.-~".utf8.contains(byte)
                    || (keepsSlash && byte == UInt8(ascii: "/"))
                if isPlain {
                    result.append(byte)
                } else if byte == UInt8(ascii: " "), !keepsSlash {
                    result.append(UInt8(ascii: "+"))
                } else {
                    result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                }
            }
            return result
        }
    }

    /// The text with the five escapes that every HTML writer uses undone.
    fileprivate var unescapingHTML: TemplateText {
        var text = self
        for (escape, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""),
            ("&amp;", "&"),
        ] {
            let ranges = text.ranges(of: Array(escape.utf8))
            if !ranges.isEmpty {
                text = TemplateText(character).joining(text.parts(between: ranges))
            }
        }
        return text
    }
}

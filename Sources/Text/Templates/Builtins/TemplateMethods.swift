extension TemplateMethod {
    static let ofStrings: Set<String> = [
        "capitalize", "casefold", "center", "count", "encode", "endswith", "expandtabs", "find",
        "format", "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
        "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper",
        "join", "ljust", "lower", "lstrip", "maketrans", "partition", "removeprefix",
        "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
        "split", "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper",
        "zfill",
    ]
    static let ofDicts: Set<String> = ["copy", "fromkeys", "get", "items", "keys", "values"]
    static let changingDicts: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]
    static let ofLists: Set<String> = ["copy", "count", "index"]
    static let ofTuples: Set<String> = ["count", "index"]
    static let changingLists: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
    ]
}

extension TemplateMachine {
    mutating func call(
        _ method: TemplateMethod, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        switch method.receiver {
        case .string(let text): return try call(method.name, of: text, arguments)
        case .dict(let dict): return try call(method.name, of: dict, arguments)
        case .list, .tuple, .range:
            return try callSequence(method.name, of: method.receiver, arguments)
        case .loop(let loop):
            if method.name == "changed" {
                return .bool(try changed(loop, arguments.positional))
            }
            guard !arguments.positional.isEmpty else {
                throw TemplateError.value("'loop.cycle' needs the items to go through")
            }
            let count = arguments.positional.count
            return arguments.positional[max(loop.index0, 0) % count]
        case .cycler(let cycler):
            if method.name == "reset" {
                cycler.position = 0
                return .none
            }
            let value = cycler.items.items[cycler.position]
            cycler.position = (cycler.position + 1) % cycler.items.items.count
            return value
        case .number(let value, _):
            return method.name == "is_integer" ? .bool(value == value.rounded()) : method.receiver
        default:
            guard let value = method.receiver.integerValue else { return .none }
            switch method.name {
            case "bit_length": return .integer(Int.bitWidth - value.magnitude.leadingZeroBitCount)
            case "bit_count": return .integer(value.magnitude.nonzeroBitCount)
            default: return .integer(value, method.receiver.origin)
            }
        }
    }

    private mutating func changed(
        _ loop: TemplateLoop, _ values: [TemplateValue]
    ) throws(TemplateError) -> Bool {
        if let last = loop.lastChanged, last.count == values.count {
            var isSame = true
            for (old, new) in zip(last, values) where try !areEqual(old, new) { isSame = false }
            if isSame { return false }
        }
        noteChanged(loop)
        loop.lastChanged = values
        return true
    }

    // MARK: Mappings and sequences

    private mutating func call(
        _ name: String, of dict: TemplateDict, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "get":
            let given = try arguments.bind("'get'", ["key", "default"], required: 1)
            return try dict.value(of: given[0] ?? .none) ?? given[1] ?? .none
        case "items", "keys", "values", "copy":
            _ = try arguments.bind("'\(name)'", [])
            return switch name {
            case "items": .view(dict, .items)
            case "keys": .view(dict, .keys)
            case "values": .view(dict, .values)
            default: .dict(dict)
            }
        default: throw TemplateError.unsupported("the method '\(name)' of mappings")
        }
    }

    private mutating func callSequence(
        _ name: String, of value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        if name == "copy" { return value }
        let given = try arguments.bind("'\(name)'", ["value", "start", "stop"], required: 1)
        let wanted = given[0] ?? .none
        let items = try items(of: value)
        if name == "count" {
            var count = 0
            for item in items where try areEqual(item, wanted) { count += 1 }
            return .integer(count)
        }
        let range = try Self.range(given[1], given[2], count: items.count)
        for index in range ?? 0..<0 where try areEqual(items[index], wanted) {
            return .integer(index)
        }
        throw TemplateError.value("'index' did not find the value")
    }

    /// The positions from `start` to `stop` as search methods take them; nil if they are beyond.
    private static func range(
        _ start: TemplateValue?, _ stop: TemplateValue?, count: Int
    ) throws(TemplateError) -> Range<Int>? {
        func position(_ value: TemplateValue?, _ fallback: Int) throws(TemplateError) -> Int {
            guard let value, !value.isNone else { return fallback }
            guard let index = value.integerValue else {
                throw TemplateError.value(
                    "a position must be an integer, not of type '\(value.typeName)'")
            }
            return index < 0 ? max(index + count, 0) : index
        }
        let from = try position(start, 0)
        let to = min(try position(stop, count), count)
        return from <= to ? from..<to : nil
    }

    // MARK: Strings

    private mutating func call(
        _ name: String, of text: TemplateText, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        try budget.charge(text.workUnits)
        if let plain = try callPlain(name, of: text) {
            _ = try arguments.bind("'\(name)'", [])
            return plain
        }
        switch name {
        case "strip", "lstrip", "rstrip":
            let given = try arguments.bind("'\(name)'", ["chars"])
            let ends: TemplateText.Ends =
                name == "strip" ? .both : name == "lstrip" ? .start : .end
            return .string(text.stripped(ends, of: try optionalText(given[0], "chars")))
        case "split", "rsplit": return try split(text, arguments, fromEnd: name == "rsplit")
        case "splitlines":
            let given = try arguments.bind("'splitlines'", ["keepends"])
            let lines = text.lines(keepingEnds: given[0]?.isTrue ?? false)
            try budget.charge(lines.count, each: TemplateBudget.object)
            return .list(try makeList(lines.map { .string($0) }))
        case "partition", "rpartition": return try partition(text, arguments, name)
        case "startswith", "endswith": return .bool(try hasAffix(text, arguments, name))
        case "removeprefix", "removesuffix":
            let affix = try requiredText(arguments.bind("'\(name)'", ["affix"], required: 1)[0])
            if name == "removeprefix" {
                return .string(text.hasPrefix(affix.bytes) ? text[affix.count..<text.count] : text)
            }
            return .string(text.hasSuffix(affix.bytes) ? text[0..<text.count - affix.count] : text)
        case "find", "rfind", "index", "rindex", "count":
            return try search(text, arguments, name)
        case "replace":
            let given = try arguments.bind("'replace'", ["old", "new", "count"], required: 2)
            let count = try integer(given[2], or: -1, "count")
            return .string(
                try replace(
                    requiredText(given[0]), in: text, with: requiredText(given[1]), count: count))
        case "join":
            let values = try arguments.bind("'join'", ["iterable"], required: 1)
            var texts: [TemplateText] = []
            for item in try items(of: values[0] ?? .none) {
                guard case .string(let part) = item else {
                    throw TemplateError.value(
                        "'join' needs strings, and got a value of type '\(item.typeName)'",
                        remedy: "the filter 'join' turns its items into strings")
                }
                texts.append(part)
            }
            return .string(try join(texts, with: text))
        case "center", "ljust", "rjust", "zfill", "expandtabs":
            return .string(try pad(text, arguments, name))
        case "format": return .string(try format(text, arguments))
        case "format_map":
            let given = try arguments.bind("'format_map'", ["mapping"], required: 1)
            guard case .dict(let dict)? = given[0] else {
                throw TemplateError.value("'format_map' needs a mapping")
            }
            var named = TemplateCallArguments()
            for (key, value) in zip(dict.keys, dict.values) {
                if let name = key.text { named.keywords.append((name.string, value)) }
            }
            return .string(try format(text, named))
        default: throw TemplateError.unsupported("the method '\(name)' of strings")
        }
    }

    /// The methods without arguments; nil for the others.
    private func callPlain(
        _ name: String, of text: TemplateText
    ) throws(TemplateError) -> TemplateValue? {
        switch name {
        case "lower": .string(text.lowercased)
        case "upper": .string(text.uppercased)
        case "title": .string(text.titlecased)
        case "capitalize": .string(text.capitalized)
        case "swapcase": .string(text.swappingCase)
        case "casefold": .string(text.caseFolded)
        case "islower": .bool(text.isCased(upper: false))
        case "isupper": .bool(text.isCased(upper: true))
        case "istitle": .bool(text.isTitlecased)
        case "isspace": .bool(text.isAll(\.isTemplateSpace))
        case "isalpha": .bool(text.isAll(\.isTemplateLetter))
        case "isdigit": .bool(text.isAll(\.isTemplateDigit))
        case "isdecimal": .bool(text.isAll(\.isTemplateDecimal))
        case "isnumeric": .bool(text.isAll(\.isTemplateNumeric))
        case "isalnum": .bool(text.isAll(\.isTemplateAlphanumeric))
        case "isascii": .bool(text.bytes.allSatisfy { $0 < 0x80 })
        case "isprintable": .bool(text.isEmpty || text.isAll(\.isTemplatePrintable))
        case "isidentifier":
            .bool(
                text.isAll { $0 == "_" || $0.properties.isXIDContinue }
                    && text.scalars.first.map { $0 == "_" || $0.properties.isXIDStart } ?? false)
        default: nil
        }
    }

    private mutating func split(
        _ text: TemplateText, _ arguments: TemplateCallArguments, fromEnd: Bool
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind("'split'", ["sep", "maxsplit"])
        let limit = try integer(given[1], or: -1, "maxsplit")
        let atMost = limit < 0 ? Int.max : limit
        let parts: [TemplateText]
        if let separator = try optionalText(given[0], "sep") {
            guard !separator.isEmpty else {
                throw TemplateError.value("'split' got an empty separator")
            }
            let ranges =
                fromEnd
                ? text.rangesFromEnd(of: separator.bytes, atMost: atMost).reversed()
                : text.ranges(of: separator.bytes, atMost: atMost)
            parts = text.parts(between: ranges)
        } else {
            parts = fromEnd ? text.wordsFromEnd(atMost: atMost) : text.words(atMost: atMost)
        }
        try budget.charge(parts.count, each: TemplateBudget.object)
        return .list(try makeList(parts.map { .string($0) }))
    }

    private mutating func partition(
        _ text: TemplateText, _ arguments: TemplateCallArguments, _ name: String
    ) throws(TemplateError) -> TemplateValue {
        let separator = try requiredText(arguments.bind("'\(name)'", ["sep"], required: 1)[0])
        guard !separator.isEmpty else {
            throw TemplateError.value("'\(name)' got an empty separator")
        }
        let isReversed = name == "rpartition"
        let found =
            isReversed
            ? text.rangesFromEnd(of: separator.bytes, atMost: 1).first
            : text.firstRange(of: separator.bytes)
        let empty = TemplateText()
        var parts = isReversed ? [empty, empty, text] : [text, empty, empty]
        if let found {
            parts = [text[0..<found.lowerBound], text[found], text[found.upperBound..<text.count]]
        }
        return .tuple(try makeList(parts.map { .string($0) }))
    }

    private func hasAffix(
        _ text: TemplateText, _ arguments: TemplateCallArguments, _ name: String
    ) throws(TemplateError) -> Bool {
        let given = try arguments.bind("'\(name)'", ["affix", "start", "end"], required: 1)
        guard let part = try part(of: text, given[1], given[2])?.text else { return false }
        var affixes: [TemplateValue] = []
        if case .tuple(let list)? = given[0] {
            affixes = list.items
        } else if let affix = given[0] {
            affixes = [affix]
        }
        for affix in affixes {
            let bytes = try requiredText(affix).bytes
            if name == "startswith" ? part.hasPrefix(bytes) : part.hasSuffix(bytes) { return true }
        }
        return false
    }

    /// The part of a text between positions, and where it begins; nil if they are beyond.
    private func part(
        of text: TemplateText, _ start: TemplateValue?, _ end: TemplateValue?
    ) throws(TemplateError) -> (text: TemplateText, start: Int)? {
        if start?.isNone ?? true, end?.isNone ?? true { return (text, 0) }
        guard let range = try Self.range(start, end, count: text.scalarCount) else { return nil }
        let from = text.offset(ofScalar: range.lowerBound)
        let to = text.offset(ofScalar: range.upperBound)
        return (text[from..<to], range.lowerBound)
    }

    private func search(
        _ text: TemplateText, _ arguments: TemplateCallArguments, _ name: String
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind("'\(name)'", ["sub", "start", "end"], required: 1)
        let pattern = try requiredText(given[0]).bytes
        let part = try part(of: text, given[1], given[2])
        if name == "count" {
            guard let part else { return .integer(0) }
            return .integer(
                pattern.isEmpty ? part.text.scalarCount + 1 : part.text.ranges(of: pattern).count)
        }
        if let part {
            let isReversed = name.hasPrefix("r")
            let found =
                isReversed
                ? part.text.rangesFromEnd(of: pattern, atMost: 1).first
                : part.text.firstRange(of: pattern)
            if let found {
                return .integer(part.start + part.text.scalarPosition(ofOffset: found.lowerBound))
            }
        }
        guard name.hasSuffix("find") else {
            throw TemplateError.value(
                "'\(name)' did not find the text", remedy: "'find' gives -1 instead")
        }
        return .integer(-1)
    }

    // MARK: Making strings

    mutating func replace(
        _ old: TemplateText, in text: TemplateText, with new: TemplateText, count: Int
    ) throws(TemplateError) -> TemplateText {
        let limit = count < 0 ? Int.max : count
        let ranges: [Range<Int>]
        if old.isEmpty {
            ranges = text.scalarOffsets.prefix(limit).map { $0..<$0 }
        } else {
            ranges = text.ranges(of: old.bytes, atMost: limit)
        }
        guard !ranges.isEmpty else { return text }
        try checkSize(text.count.addingClamped(new.count.multipliedClamped(by: ranges.count)))
        let result = new.joining(text.parts(between: ranges))
        try budget.charge(result.count + ranges.count * TemplateBudget.object)
        return result
    }

    mutating func join(
        _ texts: [TemplateText], with separator: TemplateText
    ) throws(TemplateError) -> TemplateText {
        var size = separator.count.multipliedClamped(by: max(texts.count - 1, 0))
        for text in texts { size = size.addingClamped(text.count) }
        try checkSize(size)
        try budget.charge(size + texts.count * TemplateBudget.item)
        return separator.joining(texts)
    }

    private mutating func pad(
        _ text: TemplateText, _ arguments: TemplateCallArguments, _ name: String
    ) throws(TemplateError) -> TemplateText {
        if name == "expandtabs" {
            let width = try integer(arguments.bind("'\(name)'", ["tabsize"])[0], or: 8, "tabsize")
            return try expandTabs(text, width: width)
        }
        let given = try arguments.bind("'\(name)'", ["width", "fillchar"], required: 1)
        let width = try integer(given[0], or: 0, "width")
        let fill =
            try optionalText(given[1], "fillchar") ?? TemplateText(name == "zfill" ? "0" : " ")
        guard fill.scalarCount == 1 else {
            throw TemplateError.value("the fill character must be one character")
        }
        if name == "zfill" {
            let hasSign =
                text.bytes.first == UInt8(ascii: "+") || text.bytes.first == UInt8(ascii: "-")
            let sign = hasSign ? 1 : 0
            var result = text[0..<sign]
            if sign == 0 { result = TemplateText() }
            let missing = max(width.addingClamped(-text.scalarCount), 0)
            try checkSize(text.count.addingClamped(missing))
            result.append(fill.repeated(missing))
            result.append(text[sign..<text.count])
            return result
        }
        return try pad(text, to: width, with: fill, name)
    }

    /// The text in a field of a width, as the string methods `center`, `ljust` and `rjust` place it.
    mutating func pad(
        _ text: TemplateText, to width: Int, with fill: TemplateText, _ name: String
    ) throws(TemplateError) -> TemplateText {
        let missing = width.addingClamped(-text.scalarCount)
        guard missing > 0 else { return text }
        try checkSize(text.count.addingClamped(missing.multipliedClamped(by: fill.count)))
        try budget.charge(missing)
        let before =
            switch name {
            case "ljust": 0
            case "rjust": missing
            default: missing / 2 + (missing & width & 1)
            }
        var result = fill.repeated(before)
        result.append(text)
        result.append(fill.repeated(missing - before))
        return result
    }

    private mutating func expandTabs(
        _ text: TemplateText, width: Int
    ) throws(TemplateError) -> TemplateText {
        let tabs = text.bytes.reduce(0) { $0 + ($1 == 0x09 ? 1 : 0) }
        try checkSize(text.count.addingClamped(tabs.multipliedClamped(by: max(width, 0))))
        try budget.charge(text.count, each: TemplateBudget.object)
        var result = TemplateText()
        var column = 0
        for character in text.characters {
            switch character.bytes.first {
            case 0x09:
                let spaces = width > 0 ? width - column % width : 0
                result.append(TemplateText(String(repeating: " ", count: spaces)))
                column += spaces
            case 0x0A, 0x0D:
                result.append(character)
                column = 0
            default:
                result.append(character)
                column += 1
            }
        }
        try budget.charge(result.count)
        return result
    }

    // MARK: Arguments

    func requiredText(_ value: TemplateValue?) throws(TemplateError) -> TemplateText {
        switch value {
        case .string(let text)?: return text
        case .undefined(let undefined)?: throw undefined.error
        default:
            throw TemplateError.value(
                "a string is needed, and got a value of type '\((value ?? .none).typeName)'")
        }
    }

    func optionalText(
        _ value: TemplateValue?, _ name: String
    ) throws(TemplateError) -> TemplateText? {
        guard let value, !value.isNone else { return nil }
        guard case .string(let text) = value else {
            throw TemplateError.value(
                "'\(name)' must be a string, not a value of type '\(value.typeName)'")
        }
        return text
    }

    func integer(
        _ value: TemplateValue?, or fallback: Int, _ name: String
    ) throws(TemplateError) -> Int {
        guard let value else { return fallback }
        if case .undefined(let undefined) = value { throw undefined.error }
        guard let integer = value.integerValue else {
            throw TemplateError.value(
                "'\(name)' must be an integer, not a value of type '\(value.typeName)'")
        }
        return integer
    }
}

extension TemplateMachine {
    /// What `value.name` gives: an attribute, else the item of that key.
    mutating func attribute(
        _ name: String, _ text: TemplateText, of value: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        if let found = try pythonAttribute(name, text, of: value) { return found }
        if case .dict(let dict) = value, let found = dict.value(of: text) { return found }
        return .undefined(.attribute(name, of: value.typeName))
    }

    /// What `value[key]` gives: the item of that key, else the attribute of that name.
    mutating func item(
        _ key: TemplateValue, of value: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let undefined): throw undefined.error
        case .dict(let dict):
            if case .string(let text) = key {
                if let found = dict.value(of: text) { return found }
            } else if (try? TemplateKey(key)) != nil, let found = try dict.value(of: key) {
                return found
            }
        case .list(let list), .tuple(let list):
            if let index = key.integerValue, let position = Self.position(index, list.items.count) {
                return list.items[position]
            }
        case .range(let range):
            if let index = key.integerValue, let position = Self.position(index, range.count) {
                return .integer(range[position])
            }
        case .string(let text):
            if let index = key.integerValue {
                try budget.charge(text.count)
                if let position = Self.position(index, text.scalarCount) {
                    let start = text.offset(ofScalar: position)
                    let (_, length) = TemplateText.decode(text.bytes, at: start)
                    return .string(text[start..<start + length])
                }
            }
        default: break
        }
        if case .string(let text) = key {
            let name = text.string
            if let found = try pythonAttribute(name, text, of: value) { return found }
            return .undefined(.attribute(name, of: value.typeName))
        }
        return .undefined(.element(try Self.describe(key), of: value.typeName))
    }

    private static func describe(_ key: TemplateValue) throws(TemplateError) -> String {
        key.integerValue.map { String($0) } ?? "of type '\(key.typeName)'"
    }

    private static func position(_ index: Int, _ count: Int) -> Int? {
        let position = index < 0 ? index + count : index
        return position >= 0 && position < count ? position : nil
    }

    /// An attribute in the sense of Python; nil if the type has none of that name.
    mutating func pythonAttribute(
        _ name: String, _ text: TemplateText, of value: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        if case .undefined(let undefined) = value { throw undefined.error }
        if case .namespace(let namespace) = value { return namespace[text.bytes] }
        if name.utf8.starts(with: "__".utf8), name.utf8.reversed().starts(with: "__".utf8) {
            throw TemplateError(
                .security,
                "the attribute '\(name)' of a value of type '\(value.typeName)' is private",
                remedy: "a template may only read the values it is given")
        }
        switch value {
        case .string: return TemplateMethod.ofStrings.contains(name) ? method(name, of: value) : nil
        case .dict, .list:
            let isDict = if case .dict = value { true } else { false }
            if (isDict ? TemplateMethod.changingDicts : TemplateMethod.changingLists).contains(name)
            {
                // Jinja gives something undefined, which fails when it is called.
                return .undefined(
                    .other(
                        "'\(name)' would change a value of type '\(value.typeName)', "
                            + "which a template may not do"))
            }
            return (isDict ? TemplateMethod.ofDicts : TemplateMethod.ofLists).contains(name)
                ? method(name, of: value) : nil
        case .tuple(let list):
            if list.isGroup, list.items.count == 2 {
                if name == "grouper" { return list.items[0] }
                if name == "list" { return list.items[1] }
            }
            return TemplateMethod.ofTuples.contains(name) ? method(name, of: value) : nil
        case .range(let range):
            switch name {
            case "start": return .integer(range.start)
            case "stop": return .integer(range.stop)
            case "step": return .integer(range.step)
            default:
                return TemplateMethod.ofTuples.contains(name) ? method(name, of: value) : nil
            }
        case .integer, .bool, .number: return numberAttribute(name, of: value)
        case .loop(let loop): return try loopAttribute(name, of: loop)
        case .cycler(let cycler):
            if name == "current" { return cycler.items.items[cycler.position] }
            return name == "next" || name == "reset" ? method(name, of: value) : nil
        case .joiner(let joiner):
            if name == "sep" { return joiner.separator }
            return name == "used" ? .bool(joiner.isUsed) : nil
        case .macro(let macro): return try macroAttribute(name, of: macro)
        default: return nil
        }
    }

    private func method(_ name: String, of value: TemplateValue) -> TemplateValue {
        .method(TemplateMethod(value, name))
    }

    private func numberAttribute(_ name: String, of value: TemplateValue) -> TemplateValue? {
        let isInteger = value.integerValue != nil
        switch name {
        case "real":
            return isInteger ? value.integerValue.map { .integer($0, value.origin) } : value
        case "imag": return isInteger ? .integer(0) : .number(0)
        case "numerator" where isInteger:
            return value.integerValue.map { .integer($0, value.origin) }
        case "denominator" where isInteger: return .integer(1)
        case "conjugate": return method(name, of: value)
        case "bit_length" where isInteger, "bit_count" where isInteger:
            return method(name, of: value)
        case "is_integer" where !isInteger: return method(name, of: value)
        default: return nil
        }
    }

    private mutating func loopAttribute(
        _ name: String, of loop: TemplateLoop
    ) throws(TemplateError) -> TemplateValue? {
        switch name {
        case "index": return .integer(loop.index0 + 1)
        case "index0": return .integer(loop.index0)
        case "revindex": return .integer(loop.length - loop.index0)
        case "revindex0": return .integer(loop.length - loop.index0 - 1)
        case "first": return .bool(loop.index0 == 0)
        case "last": return .bool(loop.nextItem == nil)
        case "length": return .integer(loop.length)
        case "depth": return .integer(1)
        case "depth0": return .integer(0)
        case "previtem":
            return loop.index0 > 0
                ? loop.previous : .undefined(.other("the first item of a loop has none before it"))
        case "nextitem":
            return loop.nextItem ?? .undefined(.other("the last item of a loop has none after it"))
        case "cycle", "changed": return method(name, of: .loop(loop))
        default: return nil
        }
    }

    private mutating func macroAttribute(
        _ name: String, of macro: TemplateMacro
    ) throws(TemplateError) -> TemplateValue? {
        switch name {
        case "name": return macro.shape.name.map { .string($0) } ?? TemplateValue.none
        case "arguments":
            return .tuple(try makeList(macro.shape.parameters.map { .string($0.name) }))
        case "catch_kwargs": return .bool(macro.shape.keywordsSlot != nil)
        case "catch_varargs": return .bool(macro.shape.extrasSlot != nil)
        case "caller": return .bool(macro.shape.callerSlot != nil)
        default: return nil
        }
    }

    // MARK: Slices

    mutating func slice(
        _ value: TemplateValue, _ start: TemplateValue, _ stop: TemplateValue, _ step: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let undefined): throw undefined.error
        case .string(let text):
            try budget.charge(text.count)
            let positions = try Self.positions(text.scalarCount, start, stop, step)
            if positions.step == 1 {
                let from = text.offset(ofScalar: positions.start)
                let to = text.offset(ofScalar: max(positions.start, positions.stop))
                return .string(text[from..<to])
            }
            try budget.charge(text.count, each: TemplateBudget.object)
            let offsets = text.scalarOffsets
            var result = TemplateText()
            for index in positions { result.append(text[offsets[index]..<offsets[index + 1]]) }
            return .string(result)
        case .list(let list):
            return .list(
                try makeList(
                    try Self.positions(list.items.count, start, stop, step).map { list.items[$0] },
                    origin: list.origin))
        case .tuple(let list):
            return .tuple(
                try makeList(
                    try Self.positions(list.items.count, start, stop, step).map { list.items[$0] },
                    origin: list.origin))
        case .range(let range):
            let positions = try Self.positions(range.count, start, stop, step)
            guard
                let part = TemplateRange(
                    start: range[positions.start], stop: range[positions.stop],
                    step: range.step.multipliedClamped(by: positions.step))
            else { throw TemplateError.value("a slice of a range is too long") }
            return .range(part)
        default:
            throw TemplateError.value("a value of type '\(value.typeName)' cannot be sliced")
        }
    }

    /// The positions a slice takes from so many items, as Python's `slice.indices` gives them.
    struct Positions: Sequence {
        let start: Int
        let stop: Int
        let step: Int

        func makeIterator() -> StrideTo<Int>.Iterator {
            stride(from: start, to: stop, by: step).makeIterator()
        }
    }

    private static func positions(
        _ count: Int, _ start: TemplateValue, _ stop: TemplateValue, _ step: TemplateValue
    ) throws(TemplateError) -> Positions {
        func integer(_ value: TemplateValue) throws(TemplateError) -> Int? {
            if value.isNone { return nil }
            guard let integer = value.integerValue else {
                throw TemplateError.value(
                    "a slice needs integers, and got a value of type '\(value.typeName)'")
            }
            return integer
        }
        let step = try integer(step) ?? 1
        guard step != 0 else { throw TemplateError.value("the step of a slice is zero") }
        let lowest = step < 0 ? -1 : 0
        let highest = step < 0 ? count - 1 : count
        func clamped(_ index: Int) -> Int {
            index < 0 ? Swift.max(index + count, lowest) : Swift.min(index, highest)
        }
        return Positions(
            start: try integer(start).map(clamped) ?? (step < 0 ? highest : lowest),
            stop: try integer(stop).map(clamped) ?? (step < 0 ? lowest : highest),
            step: step)
    }
}

extension TemplateMachine {
    /// Applies a filter that works on the items of a value.
    mutating func applyToItems(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let name = "the filter '\(filter.rawValue)'"
        switch filter {
        case .batch, .slice: return try divide(filter, value, arguments)
        case .dictsort: return try sortPairs(value, arguments)
        case .groupby: return try group(value, arguments)
        case .join:
            let given = try arguments.bind(name, ["d", "attribute"])
            let path = try attributePath(given[1])
            var texts: [TemplateText] = []
            for item in try items(of: value) {
                try budget.charge(TemplateBudget.object)
                texts.append(try string(of: try look(up: path, in: item)))
            }
            return .string(try join(texts, with: try string(of: given[0] ?? .string(""))))
        case .max, .min: return try extreme(filter, value, arguments)
        case .sort: return try sort(value, arguments)
        case .sum:
            let given = try arguments.bind(name, ["attribute", "start"])
            let path = try attributePath(given[0])
            var sum = given[1] ?? .integer(0)
            guard sum.text == nil else {
                throw TemplateError.value("'sum' does not add strings", remedy: "use 'join'")
            }
            for item in try items(of: value) {
                sum = try binary(.add, sum, try look(up: path, in: item))
            }
            return sum
        case .unique:
            let given = try arguments.bind(name, ["case_sensitive", "attribute"])
            let path = try attributePath(given[1])
            let isSensitive = given[0]?.isTrue ?? false
            var seen: Set<TemplateKey> = []
            var kept: [TemplateValue] = []
            for item in try items(of: value) {
                let key = ignoringCase(try look(up: path, in: item), unless: isSensitive)
                try budget.charge(TemplateBudget.key * 2 + key.weight)
                if seen.insert(try TemplateKey(key)).inserted { kept.append(item) }
            }
            return try makeIterator(kept, origin: value.origin)
        default: break
        }
        try checkNoArguments(filter, arguments)
        switch filter {
        case .first:
            if case .iterator(let iterator) = value {
                guard iterator.position < iterator.items.count else { return empty("first") }
                iterator.position += 1
                return iterator.items[iterator.position - 1]
            }
            return try items(of: value).first ?? empty("first")
        case .last:
            if case .iterator = value {
                throw TemplateError.value(
                    "'last' needs a sequence, and got a value of type '\(value.typeName)'",
                    remedy: "put the filter 'list' before it")
            }
            return try items(of: value).last ?? empty("last")
        case .items:
            switch value {
            case .undefined: return try makeIterator([])
            case .dict(let dict):
                return try makeIterator(
                    (0..<dict.count).map { dict.item(at: $0) }, origin: dict.origin)
            default:
                throw TemplateError.value(
                    "'items' needs a mapping, and got a value of type '\(value.typeName)'")
            }
        case .list: return .list(try makeList(try items(of: value), origin: value.origin))
        default:
            if case .string(let text) = value {
                return .string(TemplateText().joining(text.characters.reversed()))
            }
            let reversed = Array(try items(of: value).reversed())
            if case .iterator = value {
                return .list(try makeList(reversed, origin: value.origin))
            }
            return try makeIterator(reversed, origin: value.origin)
        }
    }

    private func empty(_ end: String) -> TemplateValue {
        .undefined(.other("an empty sequence has no \(end) item"))
    }

    // MARK: Attributes

    /// The keys of an attribute such as `"function.name"` or `0`, one after the other.
    func attributePath(_ attribute: TemplateValue?) throws(TemplateError) -> [TemplateValue] {
        guard let attribute, !attribute.isNone else { return [] }
        guard case .string(let text) = attribute else { return [attribute] }
        return text.parts(between: text.ranges(of: [UInt8(ascii: ".")])).map { part in
            let isNumber = part.isAll { ("0"..."9").contains($0) }
            return isNumber ? .integer(Int(part.string) ?? .max) : .string(part)
        }
    }

    /// The value at the end of a path, with a fallback at every step.
    mutating func look(
        up path: [TemplateValue], in value: TemplateValue, or fallback: TemplateValue? = nil
    ) throws(TemplateError) -> TemplateValue {
        var value = value
        for key in path {
            try budget.charge(TemplateBudget.object)
            value = try item(key, of: value)
            if value.isUndefined, let fallback { value = fallback }
        }
        return value
    }

    private func ignoringCase(_ value: TemplateValue, unless isSensitive: Bool) -> TemplateValue {
        guard !isSensitive, case .string(let text) = value else { return value }
        return .string(text.lowercased)
    }

    // MARK: Order

    private mutating func sort(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind(
            "the filter 'sort'", ["reverse", "case_sensitive", "attribute"])
        var paths: [[TemplateValue]] = []
        if case .string(let text)? = given[2] {
            for part in text.parts(between: text.ranges(of: [UInt8(ascii: ",")])) {
                paths.append(try attributePath(.string(part)))
            }
        } else {
            paths = [try attributePath(given[2])]
        }
        let isSensitive = given[1]?.isTrue ?? false
        let items = try items(of: value)
        var keys: [TemplateValue] = []
        for item in items {
            try budget.charge(TemplateBudget.object)
            var key: [TemplateValue] = []
            for path in paths {
                key.append(ignoringCase(try look(up: path, in: item), unless: isSensitive))
            }
            keys.append(.list(try makeList(key)))
        }
        let sorted = try sort(items, by: keys, descending: given[0]?.isTrue ?? false)
        return .list(try makeList(sorted, origin: value.origin))
    }

    private mutating func sortPairs(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind(
            "the filter 'dictsort'", ["case_sensitive", "by", "reverse"])
        let by = try given[1].map { value throws(TemplateError) in try requiredText(value).string }
        guard ["key", "value"].contains(by ?? "key") else {
            throw TemplateError.value("'by' must be 'key' or 'value'")
        }
        if case .undefined(let undefined) = value { throw undefined.error }
        guard case .dict(let dict) = value else {
            throw TemplateError.value(
                "'dictsort' needs a mapping, and got a value of type '\(value.typeName)'")
        }
        let isSensitive = given[0]?.isTrue ?? false
        let keys = (by == "value" ? dict.values : dict.keys).map {
            ignoringCase($0, unless: isSensitive)
        }
        let pairs = (0..<dict.count).map { dict.item(at: $0) }
        let sorted = try sort(pairs, by: keys, descending: given[2]?.isTrue ?? false)
        return .list(try makeList(sorted, origin: dict.origin))
    }

    private mutating func extreme(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind(
            "the filter '\(filter.rawValue)'", ["case_sensitive", "attribute"])
        let path = try attributePath(given[1])
        let isSensitive = given[0]?.isTrue ?? false
        var best: (item: TemplateValue, key: TemplateValue)?
        for item in try items(of: value) {
            let key = ignoringCase(try look(up: path, in: item), unless: isSensitive)
            if let current = best {
                let operation: TemplateComparison = filter == .min ? .less : .greater
                if try compare(operation, key, current.key) { best = (item, key) }
            } else {
                best = (item, key)
            }
        }
        return best?.item ?? .undefined(.other("an empty sequence has no \(filter.rawValue)imum"))
    }

    // MARK: Groups

    private mutating func group(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let given = try arguments.bind(
            "the filter 'groupby'", ["attribute", "default", "case_sensitive"], required: 1)
        let path = try attributePath(given[0])
        let fallback = given[1].flatMap { $0.isNone ? nil : $0 }
        let isSensitive = given[2]?.isTrue ?? false
        let items = try items(of: value)
        var keys: [TemplateValue] = []
        for item in items {
            let key = try look(up: path, in: item, or: fallback)
            keys.append(ignoringCase(key, unless: isSensitive))
        }
        let order = try sort(
            items.indices.map { .integer($0) }, by: keys, descending: false
        ).compactMap(\.integerValue)
        var groups: [TemplateValue] = []
        var members: [Int] = []
        func close() throws(TemplateError) {
            guard let first = members.first else { return }
            let grouper = try look(up: path, in: items[first], or: fallback)
            let list = try makeList(members.map { items[$0] }, origin: value.origin)
            groups.append(
                .tuple(
                    TemplateList(
                        unchecked: [grouper, .list(list)], origin: value.origin, isGroup: true)))
            members = []
        }
        for index in order {
            if let first = members.first, try !areEqual(keys[first], keys[index]) { try close() }
            members.append(index)
        }
        try close()
        return .list(try makeList(groups, origin: value.origin))
    }

    private mutating func divide(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        let isBatch = filter == .batch
        let given = try arguments.bind(
            "the filter '\(filter.rawValue)'", [isBatch ? "linecount" : "slices", "fill_with"],
            required: 1)
        let count = try integer(given[0], or: 1, isBatch ? "linecount" : "slices")
        let fill = given[1].flatMap { $0.isNone ? nil : $0 }
        let items = try items(of: value)
        try checkSize(count)
        var parts: [[TemplateValue]] = []
        if isBatch {
            var part: [TemplateValue] = []
            for item in items {
                if part.count == count {
                    parts.append(part)
                    part = []
                }
                part.append(item)
            }
            if !part.isEmpty {
                if let fill, part.count < count {
                    try budget.charge(count, each: TemplateBudget.item)
                    try checkSize(fill.weight.multipliedClamped(by: count))
                    part += Array(repeating: fill, count: count - part.count)
                }
                parts.append(part)
            }
        } else {
            guard count != 0 else { throw TemplateError.value("'slice' into no parts") }
            try budget.charge(max(count, 0), each: TemplateBudget.object)
            let (size, longer) = (
                items.count / Swift.max(count, 1), items.count % Swift.max(count, 1)
            )
            var start = 0
            for index in 0..<Swift.max(count, 0) {
                let end = start + size + (index < longer ? 1 : 0)
                var part = Array(items[start..<end])
                if let fill, index >= longer { part.append(fill) }
                parts.append(part)
                start = end
            }
        }
        var lists: [TemplateValue] = []
        for part in parts { lists.append(.list(try makeList(part, origin: value.origin))) }
        return try makeIterator(lists, origin: value.origin)
    }

    // MARK: Each item

    /// Applies `map`, `select` and their relatives.
    mutating func applyToEach(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        if filter == .map { return try map(value, arguments) }
        guard value.isTrue else { return try makeIterator([]) }
        var arguments = arguments
        var path: [TemplateValue] = []
        if filter == .selectattr || filter == .rejectattr {
            guard let attribute = arguments.removeFirst() else {
                throw TemplateError.value("'\(filter.rawValue)' needs the name of an attribute")
            }
            path = try attributePath(attribute)
        }
        var test: TemplateTest?
        if let name = arguments.removeFirst() {
            test = name.text.flatMap { TemplateTest(rawValue: $0.string) }
            guard test != nil else {
                let shown = try string(of: name).string
                throw TemplateError.value(
                    "there is no test '\(shown)'", remedy: "write the name of the test in quotes")
            }
        }
        let keeps = filter == .select || filter == .selectattr
        var kept: [TemplateValue] = []
        for item in try items(of: value) {
            try budget.charge(TemplateBudget.object)
            let tested = try look(up: path, in: item)
            let passes =
                if let test { try apply(test, to: tested, arguments) } else { tested.isTrue }
            if passes == keeps { kept.append(item) }
        }
        return try makeIterator(kept, origin: value.origin)
    }

    private mutating func map(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        guard value.isTrue else { return try makeIterator([]) }
        var results: [TemplateValue] = []
        if arguments.positional.isEmpty,
            arguments.keywords.contains(where: { $0.name == "attribute" })
        {
            let given = try arguments.bind("the filter 'map'", ["attribute", "default"])
            let path = try attributePath(given[0])
            let fallback = given[1].flatMap { $0.isNone ? nil : $0 }
            for item in try items(of: value) {
                try budget.charge(TemplateBudget.object)
                results.append(try look(up: path, in: item, or: fallback))
            }
            return try makeIterator(results, origin: value.origin)
        }
        var arguments = arguments
        guard let name = arguments.removeFirst() else {
            throw TemplateError.value("'map' needs a filter, or 'attribute='")
        }
        guard let filter = name.text.flatMap({ TemplateFilter(rawValue: $0.string) }) else {
            throw TemplateFilter.unknown(try string(of: name).string)
        }
        guard filter != .map else {
            throw TemplateError.unsupported("'map' as the filter of 'map'")
        }
        for item in try items(of: value) {
            try budget.charge(TemplateBudget.object)
            results.append(try apply(filter, to: item, arguments))
        }
        return try makeIterator(results, origin: value.origin)
    }
}

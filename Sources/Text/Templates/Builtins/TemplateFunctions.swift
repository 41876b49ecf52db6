/// The functions every chat template can call.
enum TemplateFunction: String {
    case range
    case dict
    case namespace
    case cycler
    case joiner
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

extension TemplateMachine {
    mutating func call(
        _ function: TemplateFunction, _ arguments: TemplateCallArguments
    ) throws(TemplateError) -> TemplateValue {
        switch function {
        case .range: return try makeRange(arguments)
        case .dict: return .dict(try makeDict(try pairs(of: arguments, for: "'dict'")))
        case .namespace: return try makeNamespace(try pairs(of: arguments, for: "'namespace'"))
        case .cycler:
            guard arguments.keywords.isEmpty, !arguments.positional.isEmpty else {
                throw TemplateError.value("'cycler' needs the items to go through")
            }
            return .cycler(TemplateCycler(try makeList(arguments.positional)))
        case .joiner:
            let separator = try arguments.bind("'joiner'", ["sep"])[0] ?? .string(", ")
            let joiner = TemplateJoiner(separator)
            try checkDepth(joiner.depth)
            return .joiner(joiner)
        case .raiseException:
            let message = try arguments.bind("'raise_exception'", ["message"], required: 1)[0]
            throw TemplateError(.raised, try string(of: message ?? .none).string)
        case .strftimeNow:
            let format = try arguments.bind("'strftime_now'", ["format"], required: 1)[0]
            guard let text = format?.text else {
                throw TemplateError.value("'strftime_now' needs a format such as '%Y-%m-%d'")
            }
            return .string(
                TemplateText(clock().formatted(text.string), text.overallOrigin))
        }
    }

    private func makeRange(_ arguments: TemplateCallArguments) throws(TemplateError)
        -> TemplateValue
    {
        var bounds: [Int] = []
        for value in arguments.positional {
            if case .undefined(let undefined) = value { throw undefined.error }
            guard let integer = value.integerValue else {
                throw TemplateError.value(
                    "'range' needs integers, and got a value of type '\(value.typeName)'")
            }
            bounds.append(integer)
        }
        guard arguments.keywords.isEmpty, (1...3).contains(bounds.count) else {
            throw TemplateError.value("'range' needs one to three integers")
        }
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw TemplateError.value("the step of 'range' is zero") }
        let range = TemplateRange(
            start: bounds.count == 1 ? 0 : bounds[0],
            stop: bounds.count == 1 ? bounds[0] : bounds[1],
            step: step)
        guard let range, range.count <= limits.rangeItems else {
            throw TemplateError.limit(
                "a range has \(range.map { "\($0.count)" } ?? "too many") items; "
                    + "\(limits.rangeItems) are allowed", knob: "rangeItems")
        }
        return .range(range)
    }

    /// The pairs that `dict` of Python makes of its arguments.
    private mutating func pairs(
        of arguments: TemplateCallArguments, for what: String
    ) throws(TemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        var pairs: [(key: TemplateValue, value: TemplateValue)] = []
        guard arguments.positional.count <= 1 else {
            throw TemplateError.value(
                "\(what) takes one argument without a name and got \(arguments.positional.count)")
        }
        if case .dict(let dict)? = arguments.positional.first {
            pairs = zip(dict.keys, dict.values).map { (key: $0, value: $1) }
        } else if let source = arguments.positional.first {
            for item in try items(of: source) {
                let pair = try items(of: item)
                guard pair.count == 2 else {
                    throw TemplateError.value("\(what) needs pairs, and got \(pair.count) items")
                }
                pairs.append((pair[0], pair[1]))
            }
        }
        for (name, value) in arguments.keywords { pairs.append((.string(name), value)) }
        return pairs
    }
}

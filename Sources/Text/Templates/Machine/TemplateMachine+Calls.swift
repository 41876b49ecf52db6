extension TemplateMachine {
    mutating func popArguments(
        _ shape: TemplateCallShape
    ) throws(TemplateError) -> TemplateCallArguments {
        let doubleStar = shape.hasDoubleStar ? pop() : nil
        var arguments = TemplateCallArguments()
        if !shape.keywords.isEmpty {
            let values = pop(shape.keywords.count)
            arguments.keywords = zip(shape.keywords, values).map { (name: $0, value: $1) }
        }
        let star = shape.hasStar ? pop() : nil
        arguments.positional = shape.positional == 0 ? [] : pop(shape.positional)
        if let star { arguments.positional += try items(of: star) }
        if let doubleStar {
            guard case .dict(let dict) = doubleStar else {
                throw TemplateError.value(
                    "'**' needs a mapping, and got a value of type '\(doubleStar.typeName)'")
            }
            for (key, value) in zip(dict.keys, dict.values) {
                guard case .string(let name) = key else {
                    throw TemplateError.value("the keys of '**' must be strings")
                }
                try budget.charge(arguments.keywords.count, each: 8)
                guard !arguments.keywords.contains(where: { $0.name == name.string }) else {
                    throw TemplateError.value("the argument '\(name.string)' is given twice")
                }
                arguments.keywords.append((name.string, value))
            }
        }
        return arguments
    }

    mutating func call(
        _ callee: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(TemplateError) {
        switch callee {
        case .macro(let macro): try begin(macro, arguments)
        case .function(let function): push(try call(function, arguments))
        case .method(let method): push(try call(method, arguments))
        case .joiner(let joiner):
            push(joiner.isUsed ? joiner.separator : .string(""))
            joiner.isUsed = true
        case .undefined(let undefined): throw undefined.error
        case .loop:
            throw TemplateError.unsupported("calling a loop to recurse")
        default:
            throw TemplateError.value("a value of type '\(callee.typeName)' cannot be called")
        }
    }

    mutating func makeMacro(_ chunk: Int) -> TemplateValue {
        if !frame.isCaptured {
            frame.isCaptured = true
            capturedActivations.append(frame.activation)
        }
        let shape = program.chunks[chunk].macro ?? TemplateMacroShape()
        return .macro(TemplateMacro(chunk: chunk, shape: shape, scope: frame.activation))
    }

    /// Starts to run a macro; its output becomes the value of the call.
    mutating func begin(
        _ macro: TemplateMacro, _ arguments: TemplateCallArguments
    ) throws(TemplateError) {
        guard callers.count < limits.callDepth else {
            throw TemplateError.limit(
                "macros call each other more than \(limits.callDepth) levels deep",
                knob: "callDepth")
        }
        let activation = TemplateActivation(
            slotCount: program.chunks[macro.chunk].slotCount, parent: macro.scope)
        try budget.charge(TemplateBudget.call + activation.slots.count * 8)
        try bind(arguments, to: macro.shape, in: activation)
        callers.append(frame)
        frame = Frame(chunk: macro.chunk, activation: activation)
        outputs.append(TemplateText())
    }

    private mutating func bind(
        _ arguments: TemplateCallArguments, to shape: TemplateMacroShape,
        in activation: TemplateActivation
    ) throws(TemplateError) {
        let name = shape.name ?? "caller"
        var keywords = arguments.keywords
        func take(_ name: String) -> TemplateValue? {
            keywords.firstIndex { $0.name == name }.map { keywords.remove(at: $0).value }
        }
        for (position, parameter) in shape.parameters.enumerated() {
            if position < arguments.positional.count {
                activation.slots[parameter.slot] = arguments.positional[position]
            } else if let value = take(parameter.name) {
                activation.slots[parameter.slot] = value
            }
        }
        if let slot = shape.callerSlot {
            let caller = take("caller")
            activation.slots[slot] =
                caller.flatMap { $0.isNone ? nil : $0 }
                ?? .undefined(.other("the macro '\(name)' was not called with 'call'"))
        }
        if let slot = shape.keywordsSlot {
            let pairs = keywords.map { (key: TemplateValue.string($0.name), value: $0.value) }
            activation.slots[slot] = .dict(try makeDict(pairs))
        } else if let (keyword, _) = keywords.first {
            throw TemplateError.value("the macro '\(name)' has no parameter '\(keyword)'")
        }
        let extras = Array(arguments.positional.dropFirst(shape.parameters.count))
        if let slot = shape.extrasSlot {
            activation.slots[slot] = .tuple(try makeList(extras))
        } else if !extras.isEmpty {
            throw TemplateError.value(
                "the macro '\(name)' takes \(shape.parameters.count) arguments and got "
                    + "\(arguments.positional.count)")
        }
    }

    /// Goes back to the caller; says whether there is one.
    mutating func endFrame() -> Bool {
        guard let caller = callers.popLast() else { return false }
        frame = caller
        push(.string(outputs.popLast() ?? TemplateText()))
        return true
    }
}

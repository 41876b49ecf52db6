internal import FathomJSON

/// Runs a program on given variables.
///
/// Calls of macros are frames in an array, so neither recursion of the template nor nesting of its
/// source uses the thread's stack. Every instruction is a step, and long values cost further steps,
/// so that time and memory are bounded by ``TemplateLimits/steps``.
struct TemplateMachine {
    let program: TemplateProgram
    let limits: TemplateLimits
    let variables: JSONObject
    let trusted: Set<String>
    let clock: @Sendable () -> TemplateDate

    private let constants: [TemplateValue]
    let names: [TemplateText]
    private var given: [String: TemplateValue] = [:]

    var stack: [TemplateValue] = []
    private var loops: [TemplateLoop] = []
    /// The texts being written: the prompt, then captures and the outputs of macros.
    var outputs = [TemplateText()]
    var callers: [Frame] = []
    var frame: Frame
    var budget: TemplateBudget

    /// What can be part of a cycle of references, to be taken apart in the end.
    private var namespaces: [TemplateNamespace] = []
    var capturedActivations: [TemplateActivation] = []
    private var changedLoops: [TemplateLoop] = []

    struct Frame {
        var chunk: Int
        var position = 0
        var activation: TemplateActivation
        var isCaptured = false
    }

    init(
        _ program: TemplateProgram, limits: TemplateLimits, variables: JSONObject,
        trusted: Set<String>, clock: @escaping @Sendable () -> TemplateDate
    ) {
        self.program = program
        self.limits = limits
        self.variables = variables
        self.trusted = trusted
        self.clock = clock
        constants = program.constants.map { constant in
            switch constant {
            case .none: .none
            case .bool(let value): .bool(value)
            case .integer(let value): .integer(value)
            case .number(let value): .number(value)
            case .string(let bytes): .string(TemplateText(bytes))
            }
        }
        names = program.names.map { TemplateText($0) }
        budget = TemplateBudget(steps: limits.steps)
        let slotCount = program.chunks.first?.slotCount ?? 0
        frame = Frame(
            chunk: 0, activation: TemplateActivation(slotCount: slotCount, parent: nil))
    }

    /// Runs the program to its end and gives what it wrote.
    mutating func run() throws(TemplateError) -> TemplateText {
        defer { takeApart() }
        do {
            while try step() {}
        } catch {
            throw error.located(at: line)
        }
        return outputs[0]
    }

    /// The line of the instruction that ran last.
    var line: Int {
        let lines = program.chunks[frame.chunk].lines
        return Int(lines[min(max(frame.position - 1, 0), lines.count - 1)])
    }

    private mutating func takeApart() {
        for namespace in namespaces { namespace.clear() }
        for activation in capturedActivations { activation.clear() }
        for loop in changedLoops { loop.lastChanged = nil }
        stack = []
        given = [:]
    }

    // MARK: Limits

    /// Refuses a value before it is made, if it would be too large.
    func checkSize(_ bytes: Int) throws(TemplateError) {
        guard bytes <= limits.valueBytes else {
            throw TemplateError.limit(
                "a value would have \(bytes) bytes; \(limits.valueBytes) are allowed",
                knob: "valueBytes")
        }
    }

    func checkDepth(_ depth: Int) throws(TemplateError) {
        guard depth <= limits.valueDepth else {
            throw TemplateError.limit(
                "values nest more than \(limits.valueDepth) levels deep", knob: "valueDepth")
        }
    }

    mutating func makeList(
        _ items: [TemplateValue], origin: TemplateOrigin = .template
    ) throws(TemplateError) -> TemplateList {
        try budget.charge(items.count, each: TemplateBudget.item)
        let list = TemplateList(unchecked: items, origin: origin)
        try checkDepth(list.depth)
        try checkSize(list.weight)
        return list
    }

    mutating func makeDict(
        _ pairs: [(key: TemplateValue, value: TemplateValue)], origin: TemplateOrigin = .template
    ) throws(TemplateError) -> TemplateDict {
        try budget.charge(pairs.count, each: TemplateBudget.key)
        let dict = try TemplateDict(unchecked: pairs, origin: origin)
        try checkDepth(dict.depth)
        try checkSize(dict.weight)
        return dict
    }

    mutating func makeIterator(
        _ items: [TemplateValue], origin: TemplateOrigin = .template
    ) throws(TemplateError) -> TemplateValue {
        try budget.charge(items.count, each: TemplateBudget.item)
        let iterator = TemplateIterator(unchecked: items, origin: origin)
        try checkDepth(iterator.depth)
        try checkSize(iterator.weight)
        return .iterator(iterator)
    }

    mutating func makeNamespace(
        _ pairs: [(key: TemplateValue, value: TemplateValue)]
    ) throws(TemplateError) -> TemplateValue {
        try budget.charge(TemplateBudget.call + pairs.count * TemplateBudget.key)
        let namespace = TemplateNamespace()
        for (key, value) in pairs {
            guard case .string(let name) = key else {
                throw TemplateError.value("the names of a namespace must be strings")
            }
            namespace[name.bytes] = value
        }
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    /// Remembers a loop that refers to any value, so that it can be made to forget it.
    mutating func noteChanged(_ loop: TemplateLoop) {
        if loop.lastChanged == nil { changedLoops.append(loop) }
    }

    // MARK: Variables

    /// A given variable or a global; nil if there is neither.
    private mutating func lookUp(_ name: String) throws(TemplateError) -> TemplateValue? {
        if let value = given[name] { return value }
        let value: TemplateValue
        if let json = variables[name] {
            value = try convert(json, trusted.contains(name) ? .template : .content)
        } else if let function = TemplateFunction(rawValue: name) {
            value = .function(function)
        } else {
            return nil
        }
        given[name] = value
        return value
    }

    private mutating func convert(
        _ json: JSONValue, _ origin: TemplateOrigin, depth: Int = 0
    ) throws(TemplateError) -> TemplateValue {
        try checkDepth(depth)
        switch json {
        case .null: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value, origin)
        case .number(let value): return .number(value, origin)
        case .string(let text): return .string(TemplateText(text, origin))
        case .array(let elements):
            var items: [TemplateValue] = []
            items.reserveCapacity(elements.count)
            for element in elements { items.append(try convert(element, origin, depth: depth + 1)) }
            return .list(TemplateList(unchecked: items, origin: origin))
        case .object(let object):
            var pairs: [(key: TemplateValue, value: TemplateValue)] = []
            pairs.reserveCapacity(object.count)
            for (key, value) in object {
                pairs.append(
                    (
                        .string(TemplateText(key, origin)),
                        try convert(value, origin, depth: depth + 1)
                    ))
            }
            return .dict(try TemplateDict(unchecked: pairs, origin: origin))
        }
    }

    // MARK: Stack and output

    mutating func push(_ value: TemplateValue) {
        stack.append(value)
    }

    mutating func pop() -> TemplateValue {
        stack.popLast() ?? .none
    }

    /// Takes the topmost values, the one pushed first coming first.
    mutating func pop(_ count: Int) -> [TemplateValue] {
        let values = Array(stack.suffix(count))
        stack.removeLast(min(count, stack.count))
        return values
    }

    private mutating func write(_ text: TemplateText) throws(TemplateError) {
        try budget.chargeCopy(text.count)
        let last = outputs.count - 1
        let size = outputs[last].count + text.count
        if last > 0 {
            try checkSize(size)
        } else if size > limits.outputBytes {
            throw TemplateError.limit(
                "the prompt has more than \(limits.outputBytes) bytes", knob: "outputBytes")
        }
        outputs[last].append(text)
    }

    // MARK: Instructions

    /// Runs one instruction; says whether there is another one.
    private mutating func step() throws(TemplateError) -> Bool {
        try budget.chargeStep()
        let instruction = program.chunks[frame.chunk].instructions[frame.position]
        frame.position += 1
        switch instruction {
        case .text(let index):
            if case .string(let text) = constants[index] { try write(text) }
        case .print:
            switch pop() {
            case .string(let text): try write(text)
            case let value: try write(try string(of: value))
            }
        case .beginCapture: outputs.append(TemplateText())
        case .endCapture: push(.string(outputs.popLast() ?? TemplateText()))
        case .discardCapture: outputs.removeLast()

        case .constant(let index): push(constants[index])
        case .load(let slot, let hops, let name):
            let value = frame.activation.ancestor(hops).slots[Int(slot)]
            if case .missing = value {
                push(.undefined(.name(program.names[Int(name)])))
            } else {
                push(value)
            }
        case .store(let slot): frame.activation.slots[slot] = pop()
        case .resolve(let slot, let name):
            frame.activation.slots[slot] = try lookUp(program.names[name]) ?? .missing
        case .alias(let slot, let from, let hops):
            frame.activation.slots[Int(slot)] = frame.activation.ancestor(hops).slots[Int(from)]
        case .clear(let slot): frame.activation.slots[slot] = .missing
        case .undefinedParameter(let slot, let name):
            frame.activation.slots[slot] = .undefined(.parameter(program.names[name]))
        case .checkNamespace(let slot, let hops): _ = try namespace(in: slot, hops)
        case .storeAttribute(let slot, let hops, let name):
            try namespace(in: slot, hops)[names[Int(name)].bytes] = pop()
        case .unpack(let count): try unpack(count)

        case .not: push(.bool(!pop().isTrue))
        case .negate: push(try negated(pop()))
        case .plus: push(try plus(pop()))
        case .binary(let operation):
            let right = pop()
            let left = pop()
            push(try binary(operation, left, right))
        case .compare(let operation):
            let right = pop()
            let left = pop()
            push(.bool(try compare(operation, left, right)))
        case .concatenate(let count): push(try concatenate(pop(count)))
        case .list(let count): push(.list(try makeList(pop(count))))
        case .tuple(let count): push(.tuple(try makeList(pop(count))))
        case .dict(let count):
            let values = pop(count * 2)
            let pairs = stride(from: 0, to: values.count - 1, by: 2).map {
                (key: values[$0], value: values[$0 + 1])
            }
            push(.dict(try makeDict(pairs)))
        case .attribute(let name):
            push(try attribute(program.names[name], names[name], of: pop()))
        case .item:
            let key = pop()
            push(try item(key, of: pop()))
        case .slice(let hasStart, let hasStop, let hasStep):
            let step = hasStep ? pop() : .none
            let stop = hasStop ? pop() : .none
            let start = hasStart ? pop() : .none
            push(try slice(pop(), start, stop, step))
        case .call(let shape):
            let arguments = try popArguments(program.calls[shape])
            try call(pop(), arguments)
        case .filter(let index):
            let site = program.filters[index]
            let arguments = try popArguments(program.calls[site.shape])
            guard let filter = site.filter else { throw TemplateFilter.unknown(site.name) }
            push(try apply(filter, to: pop(), arguments))
        case .test(let index):
            let site = program.tests[index]
            let arguments = try popArguments(program.calls[site.shape])
            guard let test = site.test else {
                throw TemplateError(.syntax, "there is no test '\(site.name)'")
            }
            push(.bool(try apply(test, to: pop(), arguments) != site.isNegated))
        case .undefinedCondition:
            push(.undefined(.other("an inline 'if' without 'else' did not apply")))

        case .jump(let jump, let target): try self.jump(jump, to: target)
        case .beginLoop: loops.append(try loop(over: pop()))
        case .acceptItem:
            if let loop = loops.last {
                loop.accept()
                push(loop.lastRead)
            }
        case .collectItem: loops.last?.collect()
        case .endCollecting:
            if let loop = loops.popLast() {
                push(try makeIterator(loop.collected, origin: loop.origin))
            }
        case .storeLoop(let slot):
            if let loop = loops.last { frame.activation.slots[slot] = .loop(loop) }
        case .completeIteration: loops.last?.hasCompletedIteration = true
        case .endLoop(let asksForElse):
            let loop = loops.popLast()
            if asksForElse { push(.bool(loop?.hasCompletedIteration != true)) }
        case .macro(let chunk): push(makeMacro(chunk))
        case .end: return endFrame()
        }
        return true
    }

    private mutating func jump(_ jump: TemplateJump, to target: Int) throws(TemplateError) {
        switch jump {
        case .always: frame.position = target
        case .ifFalse:
            if !pop().isTrue { frame.position = target }
        case .ifFalseKeeping, .ifTrueKeeping:
            let value = pop()
            let jumps = if case .ifTrueKeeping = jump { value.isTrue } else { !value.isTrue }
            if jumps {
                push(value)
                frame.position = target
            }
        case .unlessCompared(let operation):
            let right = pop()
            let left = pop()
            if try compare(operation, left, right) {
                push(right)
            } else {
                push(.bool(false))
                frame.position = target
            }
        case .ifBound(let slot):
            if case .missing = frame.activation.slots[Int(slot)] { return }
            frame.position = target
        case .ifExhausted(let counts):
            if let loop = loops.last, let value = loop.read() {
                if counts { loop.accept() }
                push(value)
            } else {
                frame.position = target
            }
        }
    }

    private func namespace(
        in slot: Int32, _ hops: Int32
    ) throws(TemplateError) -> TemplateNamespace {
        let value = frame.activation.ancestor(hops).slots[Int(slot)]
        guard case .namespace(let namespace) = value else {
            throw TemplateError.value(
                "an attribute is set on a value of type '\(value.typeName)'",
                remedy: "make the value with namespace()")
        }
        return namespace
    }

    private mutating func unpack(_ count: Int) throws(TemplateError) {
        let value = pop()
        if case .undefined(let undefined) = value, count > 0 { throw undefined.error }
        let items = try items(of: value)
        guard items.count == count else {
            throw TemplateError.value(
                "\(items.count) values are assigned to \(count) names")
        }
        for item in items.reversed() { push(item) }
    }

    private mutating func loop(over value: TemplateValue) throws(TemplateError) -> TemplateLoop {
        if case .iterator(let iterator) = value {
            return TemplateLoop(
                iterator.items, iterator: iterator, origin: iterator.origin, depth: iterator.depth)
        }
        return TemplateLoop(try items(of: value), origin: value.origin, depth: value.depth)
    }
}

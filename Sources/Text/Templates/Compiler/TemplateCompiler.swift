/// Turns statements into a program, resolving every name to a slot.
struct TemplateCompiler {
    private(set) var program = TemplateProgram()
    private var constantIndices: [TemplateConstant: Int] = [:]
    private var nameIndices: [String: Int] = [:]
    private var shapeIndices: [[String]: Int] = [:]
    /// Whether an `if` decides about the code being made; then an unknown filter may stay.
    var isConditional = false

    private init() {}

    static func compile(_ statements: [TemplateStatement]) throws(TemplateError) -> TemplateProgram
    {
        var compiler = TemplateCompiler()
        let function = TemplateFunctionBuilder(depth: 0)
        let scope = TemplateScope(parent: nil, function: function)
        compiler.program.chunks.append(TemplateChunk())
        scope.analyse(statements)
        compiler.begin(scope, line: 1)
        try compiler.compile(statements, in: scope)
        function.emit(.end, line: statements.last?.line ?? 1)
        compiler.program.chunks[0] = function.finish(nil)
        return compiler.program
    }

    // MARK: Tables

    mutating func index(of constant: TemplateConstant) -> Int {
        // 0.0 and -0.0 are equal yet print differently, so numbers are not shared.
        if case .number = constant {
            program.constants.append(constant)
            return program.constants.count - 1
        }
        if let index = constantIndices[constant] { return index }
        program.constants.append(constant)
        constantIndices[constant] = program.constants.count - 1
        return program.constants.count - 1
    }

    mutating func index(of name: String) -> Int {
        if let index = nameIndices[name] { return index }
        program.names.append(name)
        nameIndices[name] = program.names.count - 1
        return program.names.count - 1
    }

    mutating func index(of shape: TemplateCallShape) -> Int {
        let key = ["\(shape.positional) \(shape.hasStar) \(shape.hasDoubleStar)"] + shape.keywords
        if let index = shapeIndices[key] { return index }
        program.calls.append(shape)
        shapeIndices[key] = program.calls.count - 1
        return program.calls.count - 1
    }

    mutating func add(_ site: TemplateFilterSite) -> Int {
        program.filters.append(site)
        return program.filters.count - 1
    }

    mutating func add(_ site: TemplateTestSite) -> Int {
        program.tests.append(site)
        return program.tests.count - 1
    }

    // MARK: Scopes

    /// Emits what gives a scope's variables their first values.
    mutating func begin(_ scope: TemplateScope, line: Int) {
        let function = scope.function
        for (variable, name, load) in scope.loads {
            switch load {
            case .parameter: break
            case .resolve:
                function.emit(.resolve(slot: variable.slot, name: index(of: name)), line: line)
            case .alias(let source):
                function.emit(
                    .alias(
                        slot: Int32(variable.slot), from: Int32(source.slot),
                        hops: Int32(function.depth - source.depth)), line: line)
            case .missing: function.emit(.clear(slot: variable.slot), line: line)
            }
        }
    }

    func variable(
        _ name: String, in scope: TemplateScope, line: Int
    ) throws(TemplateError) -> (slot: Int32, hops: Int32) {
        guard let variable = scope.find(name) else {
            throw TemplateError(.syntax, "the name '\(name)' has no scope here", line: line)
        }
        return (Int32(variable.slot), Int32(scope.function.depth - variable.depth))
    }

    // MARK: Macros

    /// Makes the chunk of a macro or of the body of a call.
    mutating func compileMacro(
        _ macro: TemplateMacroSyntax, name: String?, in outer: TemplateScope, line: Int
    ) throws(TemplateError) -> Int {
        let wasConditional = isConditional
        isConditional = false
        defer { isConditional = wasConditional }
        let chunk = program.chunks.count
        program.chunks.append(TemplateChunk())
        let function = TemplateFunctionBuilder(depth: outer.function.depth + 1)
        let scope = TemplateScope(parent: outer, function: function)
        macro.parameters.forEach(scope.declareParameter)
        macro.defaults.forEach(scope.analyse)
        scope.analyse(macro.body)

        var shape = TemplateMacroShape(name: name)
        let special = TemplateNameFinder(["caller", "kwargs", "varargs"], in: macro.body).undeclared
        func slot(_ name: String) -> Int? {
            guard special.contains(name), !macro.parameters.contains(name) else { return nil }
            scope.declareParameter(name)
            return scope.find(name)?.slot
        }
        let firstDefault = macro.parameters.count - macro.defaults.count
        if special.contains("caller"), let position = macro.parameters.firstIndex(of: "caller"),
            position < firstDefault
        {
            throw TemplateError(
                .syntax, "the parameter 'caller' needs a default", line: line,
                remedy: "leave it out of the parameters, or write 'caller=none'")
        }
        shape.callerSlot = slot("caller")
        shape.keywordsSlot = slot("kwargs")
        shape.extrasSlot = slot("varargs")
        for name in macro.parameters {
            if let slot = scope.find(name)?.slot { shape.parameters.append((name, slot)) }
        }

        begin(scope, line: line)
        for (position, parameter) in shape.parameters.enumerated() {
            let isBound = function.emitJump(.ifBound(slot: Int32(parameter.slot)), line: line)
            if position < firstDefault {
                function.emit(
                    .undefinedParameter(slot: parameter.slot, name: index(of: parameter.name)),
                    line: line)
            } else {
                try compile(macro.defaults[position - firstDefault], in: scope)
                function.emit(.store(slot: parameter.slot), line: line)
            }
            function.land(isBound)
        }
        try compile(macro.body, in: scope)
        function.emit(.end, line: macro.body.last?.line ?? line)
        program.chunks[chunk] = function.finish(shape)
        return chunk
    }
}

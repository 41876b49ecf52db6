extension TemplateCompiler {
    mutating func compile(
        _ statements: [TemplateStatement], in scope: TemplateScope
    ) throws(TemplateError) {
        let function = scope.function
        for statement in statements {
            let line = statement.line
            switch statement.kind {
            case .text(let text):
                function.emit(.text(index(of: .string(text))), line: line)
            case .print(let value):
                try compile(value, in: scope)
                function.emit(.print, line: value.line)
            case .branch(let branches, let otherwise):
                try compileBranches(branches, otherwise, in: scope)
            case .loop(let loop):
                try compileLoop(loop, in: scope, line: line)
            case .set(let target, let value):
                try checkNamespaces(of: target, in: scope, line: line)
                try compile(value, in: scope)
                try store(target, in: scope, line: line)
            case .setBlock(let target, let filters, let body):
                try compileCapture(body, filters, in: scope, line: line)
                try checkNamespaces(of: target, in: scope, line: line)
                try store(target, in: scope, line: line)
            case .filterBlock(let filters, let body):
                try compileCapture(body, filters, in: scope, line: line)
                function.emit(.print, line: line)
            case .macro(let name, let macro):
                let chunk = try compileMacro(macro, name: name, in: scope, line: line)
                function.emit(.macro(chunk: chunk), line: line)
                try store(.name(name), in: scope, line: line)
            case .callBlock(let call, let macro):
                let chunk = try compileMacro(macro, name: nil, in: scope, line: line)
                if let call {
                    try compileCall(call, caller: chunk, in: scope)
                } else {
                    function.emit(.macro(chunk: chunk), line: line)
                    function.emit(.call(shape: index(of: TemplateCallShape())), line: line)
                }
                function.emit(.print, line: line)
            case .with(let values, let body):
                let inner = TemplateScope(parent: scope, function: function)
                for (target, _) in values { inner.declareParameters(target) }
                inner.analyse(body)
                begin(inner, line: line)
                for (target, value) in values {
                    try compile(value, in: scope)
                    try store(target, in: inner, line: line)
                }
                try compileInner(body, in: inner)
            case .breakLoop, .continueLoop:
                try compileLoopExit(statement, in: function)
            }
        }
    }

    /// Compiles the body of a scope of its own, which no `if` around decides about.
    private mutating func compileInner(
        _ body: [TemplateStatement], in scope: TemplateScope
    ) throws(TemplateError) {
        let wasConditional = isConditional
        isConditional = false
        defer { isConditional = wasConditional }
        try compile(body, in: scope)
    }

    private mutating func compileBranches(
        _ branches: [(test: TemplateExpression, body: [TemplateStatement])],
        _ otherwise: [TemplateStatement], in scope: TemplateScope
    ) throws(TemplateError) {
        let wasConditional = isConditional
        isConditional = true
        defer { isConditional = wasConditional }
        let function = scope.function
        var exits: [Int] = []
        for (test, body) in branches {
            try compile(test, in: scope)
            let skip = function.emitJump(.ifFalse, line: test.line)
            try compile(body, in: scope)
            exits.append(function.emitJump(.always, line: test.line))
            function.land(skip)
        }
        try compile(otherwise, in: scope)
        function.land(exits)
    }

    /// Compiles a body whose output becomes a value on the stack, after filters.
    private mutating func compileCapture(
        _ body: [TemplateStatement], _ filters: [TemplatePostfix], in scope: TemplateScope,
        line: Int
    ) throws(TemplateError) {
        let function = scope.function
        let inner = TemplateScope(parent: scope, function: function)
        inner.analyse(body)
        inner.analyse(filters)
        begin(inner, line: line)
        function.emit(.beginCapture, line: line)
        function.captureDepth += 1
        try compileInner(body, in: inner)
        function.captureDepth -= 1
        function.emit(.endCapture, line: line)
        try compile(filters, in: inner)
    }

    // MARK: Assignment

    private mutating func checkNamespaces(
        of target: TemplateTarget, in scope: TemplateScope, line: Int
    ) throws(TemplateError) {
        switch target {
        case .name: break
        case .attribute(let name, _):
            let (slot, hops) = try variable(name, in: scope, line: line)
            scope.function.emit(.checkNamespace(slot: slot, hops: hops), line: line)
        case .tuple(let targets):
            for target in targets { try checkNamespaces(of: target, in: scope, line: line) }
        }
    }

    private mutating func store(
        _ target: TemplateTarget, in scope: TemplateScope, line: Int
    ) throws(TemplateError) {
        let function = scope.function
        switch target {
        case .name(let name):
            let (slot, _) = try variable(name, in: scope, line: line)
            function.emit(.store(slot: Int(slot)), line: line)
        case .attribute(let name, let attribute):
            let (slot, hops) = try variable(name, in: scope, line: line)
            function.emit(
                .storeAttribute(slot: slot, hops: hops, name: Int32(index(of: attribute))),
                line: line)
        case .tuple(let targets):
            function.emit(.unpack(targets.count), line: line)
            for target in targets { try store(target, in: scope, line: line) }
        }
    }

    // MARK: Loops

    private mutating func compileLoop(
        _ loop: TemplateForLoop, in scope: TemplateScope, line: Int
    ) throws(TemplateError) {
        let function = scope.function
        let found = TemplateNameFinder(["loop"], in: loop.body)
        var assignsLoop = found.assigned.union(
            TemplateNameFinder(["loop"], in: loop.otherwise).assigned
        ).contains("loop")
        loop.target.forEachName { if $0 == "loop" { assignsLoop = true } }
        guard !assignsLoop else {
            throw TemplateError(
                .syntax, "'loop' is assigned inside a loop, where it has a meaning of its own",
                line: line, remedy: "use another name")
        }

        let inner = TemplateScope(parent: scope, function: function)
        let usesLoop = found.undeclared.contains("loop")
        if usesLoop { inner.declareParameter("loop") }
        inner.declareParameters(loop.target)
        inner.analyse(loop.body)

        try compile(loop.iterable, in: scope)
        // Jinja tests an item only when the loop reaches it. That holds here too, except where the
        // body asks how many items are still to come.
        let testsAhead =
            loop.test != nil && usesLoop
            && found.uses.contains { $0.map { !Self.retrospective.contains($0) } ?? true }
        if testsAhead {
            function.emit(.beginLoop, line: line)
            let start = function.position
            let exit = function.emitJump(.ifExhausted(counts: false), line: line)
            try compileLoopTest(loop, in: scope, start: start, line: line)
            function.emit(.collectItem, line: line)
            function.emit(.jump(.always, to: start), line: line)
            function.land(exit)
            function.emit(.endCollecting, line: line)
        }
        function.emit(.beginLoop, line: line)
        let start = function.position
        let testsHere = loop.test != nil && !testsAhead
        let exit = function.emitJump(.ifExhausted(counts: !testsHere), line: line)
        if testsHere {
            try compileLoopTest(loop, in: scope, start: start, line: line)
            function.emit(.acceptItem, line: line)
        }
        begin(inner, line: line)
        try store(loop.target, in: inner, line: line)
        if usesLoop, let slot = inner.find("loop")?.slot {
            function.emit(.storeLoop(slot: slot), line: line)
        }
        function.loops.append(.init(start: start, captureDepth: function.captureDepth))
        try compileInner(loop.body, in: inner)
        let exits = function.loops.removeLast().exits
        if !loop.otherwise.isEmpty { function.emit(.completeIteration, line: line) }
        function.emit(.jump(.always, to: start), line: line)
        function.land([exit] + exits)
        function.emit(.endLoop(asksForElse: !loop.otherwise.isEmpty), line: line)
        if !loop.otherwise.isEmpty {
            let skip = function.emitJump(.ifFalse, line: line)
            let elseScope = TemplateScope(parent: scope, function: function)
            elseScope.analyse(loop.otherwise)
            begin(elseScope, line: line)
            try compileInner(loop.otherwise, in: elseScope)
            function.land(skip)
        }
    }

    /// The attributes of `loop` that need no look at later items.
    private static let retrospective: Set<String> = [
        "index", "index0", "first", "previtem", "cycle", "changed", "depth", "depth0",
    ]

    /// Compiles the condition of a loop, which goes back to the start for items that fail it.
    private mutating func compileLoopTest(
        _ loop: TemplateForLoop, in scope: TemplateScope, start: Int, line: Int
    ) throws(TemplateError) {
        guard let test = loop.test else { return }
        let function = scope.function
        let testScope = TemplateScope(parent: scope, function: function)
        testScope.declareParameters(loop.target)
        testScope.analyse(test)
        begin(testScope, line: line)
        try store(loop.target, in: testScope, line: line)
        let wasConditional = isConditional
        isConditional = false
        defer { isConditional = wasConditional }
        try compile(test, in: testScope)
        function.emit(.jump(.ifFalse, to: start), line: line)
    }

    private func compileLoopExit(
        _ statement: TemplateStatement, in function: TemplateFunctionBuilder
    ) throws(TemplateError) {
        let isBreak = if case .breakLoop = statement.kind { true } else { false }
        guard let last = function.loops.indices.last else {
            throw TemplateError(
                .syntax, "'\(isBreak ? "break" : "continue")' stands outside of a loop",
                line: statement.line,
                remedy:
                    "inside of 'call', 'generation' and 'macro', a loop around them is out of reach"
            )
        }
        for _ in function.loops[last].captureDepth..<function.captureDepth {
            function.emit(.discardCapture, line: statement.line)
        }
        if isBreak {
            function.loops[last].exits.append(function.emitJump(.always, line: statement.line))
        } else {
            function.emit(.jump(.always, to: function.loops[last].start), line: statement.line)
        }
    }
}

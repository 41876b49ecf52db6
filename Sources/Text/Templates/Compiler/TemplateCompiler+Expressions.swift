extension TemplateCompiler {
    mutating func compile(
        _ expression: TemplateExpression, in scope: TemplateScope
    ) throws(TemplateError) {
        let function = scope.function
        let line = expression.line
        switch expression.kind {
        case .constant(let constant):
            function.emit(.constant(index(of: constant)), line: line)
        case .name(let name):
            let (slot, hops) = try variable(name, in: scope, line: line)
            function.emit(
                .load(slot: slot, hops: hops, name: Int32(index(of: name))), line: line)
        case .list(let items):
            for item in items { try compile(item, in: scope) }
            function.emit(.list(items.count), line: line)
        case .tuple(let items):
            for item in items { try compile(item, in: scope) }
            function.emit(.tuple(items.count), line: line)
        case .dict(let pairs):
            for (key, value) in pairs {
                try compile(key, in: scope)
                try compile(value, in: scope)
            }
            function.emit(.dict(pairs.count), line: line)
        case .conditional(let test, let then, let otherwise):
            try compileConditional(test, then, otherwise, in: scope, line: line)
        case .unary(let operation, let operand):
            try compile(operand, in: scope)
            switch operation {
            case .not: function.emit(.not, line: line)
            case .negate: function.emit(.negate, line: line)
            case .plus: function.emit(.plus, line: line)
            }
        case .binary(let first, let rest):
            try compile(first, in: scope)
            for (operation, operand) in rest {
                try compile(operand, in: scope)
                function.emit(.binary(operation), line: operand.line)
            }
        case .comparison(let first, let rest):
            try compileComparison(first, rest, in: scope)
        case .and(let operands):
            try compileChoice(operands, .ifFalseKeeping, in: scope)
        case .or(let operands):
            try compileChoice(operands, .ifTrueKeeping, in: scope)
        case .concatenation(let operands):
            for operand in operands { try compile(operand, in: scope) }
            function.emit(.concatenate(operands.count), line: line)
        case .postfix(let base, let postfixes):
            try compile(base, in: scope)
            try compile(postfixes, in: scope)
        }
    }

    private mutating func compileConditional(
        _ test: TemplateExpression, _ then: TemplateExpression, _ otherwise: TemplateExpression?,
        in scope: TemplateScope, line: Int
    ) throws(TemplateError) {
        let wasConditional = isConditional
        isConditional = true
        defer { isConditional = wasConditional }
        let function = scope.function
        try compile(test, in: scope)
        let skip = function.emitJump(.ifFalse, line: line)
        try compile(then, in: scope)
        let exit = function.emitJump(.always, line: line)
        function.land(skip)
        if let otherwise {
            try compile(otherwise, in: scope)
        } else {
            function.emit(.undefinedCondition, line: line)
        }
        function.land(exit)
    }

    private mutating func compileChoice(
        _ operands: [TemplateExpression], _ jump: TemplateJump, in scope: TemplateScope
    ) throws(TemplateError) {
        var exits: [Int] = []
        for (position, operand) in operands.enumerated() {
            try compile(operand, in: scope)
            if position < operands.count - 1 {
                exits.append(scope.function.emitJump(jump, line: operand.line))
            }
        }
        scope.function.land(exits)
    }

    private mutating func compileComparison(
        _ first: TemplateExpression,
        _ rest: [(operation: TemplateComparison, operand: TemplateExpression)],
        in scope: TemplateScope
    ) throws(TemplateError) {
        let function = scope.function
        try compile(first, in: scope)
        var exits: [Int] = []
        for (position, (operation, operand)) in rest.enumerated() {
            try compile(operand, in: scope)
            if position < rest.count - 1 {
                exits.append(function.emitJump(.unlessCompared(operation), line: operand.line))
            } else {
                function.emit(.compare(operation), line: operand.line)
            }
        }
        function.land(exits)
    }

    // MARK: Postfixes

    mutating func compile(
        _ postfixes: [TemplatePostfix], in scope: TemplateScope
    ) throws(TemplateError) {
        let function = scope.function
        for postfix in postfixes {
            let line = postfix.line
            switch postfix.kind {
            case .attribute(let name):
                function.emit(.attribute(name: index(of: name)), line: line)
            case .item(let value):
                try compile(value, in: scope)
                function.emit(.item, line: line)
            case .slice(let start, let stop, let step):
                for part in [start, stop, step] {
                    if let part { try compile(part, in: scope) }
                }
                function.emit(
                    .slice(hasStart: start != nil, hasStop: stop != nil, hasStep: step != nil),
                    line: line)
            case .call(let arguments):
                let shape = try compile(arguments, in: scope)
                function.emit(.call(shape: shape), line: line)
            case .filter(let name, let arguments):
                try compileFilter(name, arguments, in: scope, line: line)
            case .test(let name, let arguments, let isNegated):
                let test = TemplateTest(rawValue: name)
                guard test != nil || isConditional else {
                    throw TemplateError(.syntax, "there is no test '\(name)'", line: line)
                }
                let shape = try compile(arguments, in: scope)
                let site = TemplateTestSite(
                    name: name, test: test, shape: shape, isNegated: isNegated)
                function.emit(.test(site: add(site)), line: line)
            }
        }
    }

    private mutating func compileFilter(
        _ name: String, _ arguments: TemplateArguments, in scope: TemplateScope, line: Int
    ) throws(TemplateError) {
        let filter = TemplateFilter(rawValue: name)
        guard filter != nil || isConditional else {
            throw TemplateFilter.unknown(name).located(at: line)
        }
        let shape = try compile(arguments, in: scope)
        let site = TemplateFilterSite(name: name, filter: filter, shape: shape)
        scope.function.emit(.filter(site: add(site)), line: line)
    }

    /// Compiles arguments, and on request a macro that is passed as `caller`; gives their shape.
    private mutating func compile(
        _ arguments: TemplateArguments, caller: Int? = nil, in scope: TemplateScope, line: Int = 0
    ) throws(TemplateError) -> Int {
        var shape = TemplateCallShape()
        for value in arguments.positional { try compile(value, in: scope) }
        shape.positional = arguments.positional.count
        if let star = arguments.star {
            try compile(star, in: scope)
            shape.hasStar = true
        }
        for (name, value) in arguments.keywords {
            try compile(value, in: scope)
            shape.keywords.append(name)
        }
        if let caller {
            scope.function.emit(.macro(chunk: caller), line: line)
            shape.keywords.append("caller")
        }
        if let doubleStar = arguments.doubleStar {
            try compile(doubleStar, in: scope)
            shape.hasDoubleStar = true
        }
        return index(of: shape)
    }

    /// Compiles the call of a call block, which passes the block's body as `caller`.
    mutating func compileCall(
        _ call: TemplateExpression, caller: Int, in scope: TemplateScope
    ) throws(TemplateError) {
        guard case .postfix(let base, let postfixes) = call.kind, let last = postfixes.last,
            case .call(let arguments) = last.kind
        else { throw TemplateError(.syntax, "'call' needs the call of a macro", line: call.line) }
        try compile(base, in: scope)
        try compile(Array(postfixes.dropLast()), in: scope)
        let shape = try compile(arguments, caller: caller, in: scope, line: last.line)
        scope.function.emit(.call(shape: shape), line: last.line)
    }
}

extension TemplateExpression {
    /// Visits every name that is read, with the attribute looked up in it first.
    func forEachName(_ visit: (_ name: String, _ attribute: String?) -> Void) {
        switch kind {
        case .constant: break
        case .name(let name): visit(name, nil)
        case .list(let items), .tuple(let items), .and(let items), .or(let items),
            .concatenation(let items):
            for item in items { item.forEachName(visit) }
        case .dict(let pairs):
            for (key, value) in pairs {
                key.forEachName(visit)
                value.forEachName(visit)
            }
        case .conditional(let test, let then, let otherwise):
            test.forEachName(visit)
            then.forEachName(visit)
            otherwise?.forEachName(visit)
        case .unary(_, let operand): operand.forEachName(visit)
        case .binary(let first, let rest):
            first.forEachName(visit)
            for (_, operand) in rest { operand.forEachName(visit) }
        case .comparison(let first, let rest):
            first.forEachName(visit)
            for (_, operand) in rest { operand.forEachName(visit) }
        case .postfix(let base, let postfixes):
            if case .name(let name) = base.kind,
                case .attribute(let attribute)? = postfixes.first?.kind
            {
                visit(name, attribute)
            } else {
                base.forEachName(visit)
            }
            for postfix in postfixes { postfix.forEachName(visit) }
        }
    }
}

extension TemplatePostfix {
    func forEachName(_ visit: (_ name: String, _ attribute: String?) -> Void) {
        switch kind {
        case .attribute: break
        case .item(let value): value.forEachName(visit)
        case .slice(let start, let stop, let step):
            start?.forEachName(visit)
            stop?.forEachName(visit)
            step?.forEachName(visit)
        case .call(let arguments), .filter(_, let arguments), .test(_, let arguments, _):
            for value in arguments.positional { value.forEachName(visit) }
            for (_, value) in arguments.keywords { value.forEachName(visit) }
            arguments.star?.forEachName(visit)
            arguments.doubleStar?.forEachName(visit)
        }
    }
}

extension TemplateTarget {
    /// Visits every name that is assigned.
    func forEachName(_ visit: (String) -> Void) {
        switch self {
        case .name(let name): visit(name)
        case .attribute: break
        case .tuple(let targets):
            for target in targets { target.forEachName(visit) }
        }
    }
}

/// Finds how names are used in statements, everything inside them included.
struct TemplateNameFinder {
    /// The names read before anything assigns them, in the order of the source.
    private(set) var undeclared: Set<String> = []
    /// The names assigned.
    private(set) var assigned: Set<String> = []
    /// The attributes looked up in the name searched for, with nil for any other use.
    private(set) var uses: [String?] = []
    private var searched: Set<String>

    init(_ names: Set<String>, in statements: [TemplateStatement]) {
        searched = names
        visit(statements)
    }

    private mutating func read(_ name: String, _ attribute: String?) {
        guard searched.contains(name) else { return }
        undeclared.insert(name)
        uses.append(attribute)
    }

    private mutating func visit(_ expression: TemplateExpression?) {
        expression?.forEachName { read($0, $1) }
    }

    private mutating func visit(_ postfixes: [TemplatePostfix]) {
        for postfix in postfixes { postfix.forEachName { read($0, $1) } }
    }

    private mutating func assign(_ target: TemplateTarget) {
        target.forEachName { assign($0) }
    }

    private mutating func assign(_ name: String) {
        assigned.insert(name)
        searched.remove(name)
    }

    private mutating func visit(_ macro: TemplateMacroSyntax) {
        for name in macro.parameters { assign(name) }
        for value in macro.defaults { visit(value) }
        visit(macro.body)
    }

    private mutating func visit(_ statements: [TemplateStatement]) {
        for statement in statements {
            switch statement.kind {
            case .text, .breakLoop, .continueLoop: break
            case .print(let value): visit(value)
            case .branch(let branches, let otherwise):
                for (test, body) in branches {
                    visit(test)
                    visit(body)
                }
                visit(otherwise)
            case .loop(let loop):
                assign(loop.target)
                visit(loop.iterable)
                visit(loop.body)
                visit(loop.otherwise)
                visit(loop.test)
            case .set(let target, let value):
                assign(target)
                visit(value)
            case .setBlock(let target, let filters, let body):
                assign(target)
                visit(filters)
                visit(body)
            case .macro(_, let macro): visit(macro)
            case .callBlock(let call, let macro):
                visit(call)
                visit(macro)
            case .filterBlock(let filters, let body):
                visit(body)
                visit(filters)
            case .with(let values, let body):
                for (target, _) in values { assign(target) }
                for (_, value) in values { visit(value) }
                visit(body)
            }
        }
    }
}

/// What the names of one scope of a template stand for.
///
/// Jinja decides before running which names a scope assigns. A name assigned anywhere in a scope is
/// that scope's own from its beginning, starting with the value the name has outside; a name never
/// assigned belongs to the nearest scope around that knows it, or is looked up among the given
/// variables. Templates depend on the fine print, so it is followed here step by step
/// (`jinja2/idtracking.py` describes the original).
final class TemplateScope {
    /// Where a variable lives: a slot of a function, counted from the template itself.
    struct Variable {
        var depth: Int
        var slot: Int
    }

    /// How a variable gets its value when the scope begins.
    enum Load {
        case parameter
        case resolve
        case alias(Variable)
        case missing
    }

    /// What is known of a name.
    private struct Symbol {
        var load: Load
        var isStored = false
    }

    let parent: TemplateScope?
    let function: TemplateFunctionBuilder
    private var symbols: [String: Symbol] = [:]
    private var slots: [String: Int] = [:]
    /// What was known before of the names that the branches being analysed have changed.
    private var journal: [(name: String, before: Symbol?)] = []

    init(parent: TemplateScope?, function: TemplateFunctionBuilder) {
        self.parent = parent
        self.function = function
    }

    /// The loads of the scope, in a fixed order.
    var loads: [(variable: Variable, name: String, load: Load)] {
        symbols.sorted { $0.key < $1.key }.map { (own($0.key), $0.key, $0.value.load) }
    }

    /// The variable a name stands for in this scope, once the scope was analysed.
    func find(_ name: String) -> Variable? {
        symbols[name] == nil ? parent?.find(name) : own(name)
    }

    private func own(_ name: String) -> Variable {
        if let slot = slots[name] { return Variable(depth: function.depth, slot: slot) }
        let slot = function.makeSlot()
        slots[name] = slot
        return Variable(depth: function.depth, slot: slot)
    }

    // MARK: Names

    private func set(_ name: String, _ symbol: Symbol) {
        journal.append((name, symbols[name]))
        symbols[name] = symbol
    }

    func declareParameter(_ name: String) {
        set(name, Symbol(load: .parameter, isStored: true))
    }

    func load(_ name: String) {
        if find(name) == nil { set(name, Symbol(load: .resolve)) }
    }

    private func store(_ name: String) {
        if let known = symbols[name] {
            if !known.isStored { set(name, Symbol(load: known.load, isStored: true)) }
        } else {
            let load = parent?.find(name).map { Load.alias($0) } ?? .missing
            set(name, Symbol(load: load, isStored: true))
        }
    }

    // MARK: Analysis

    func declareParameters(_ target: TemplateTarget) {
        switch target {
        case .name(let name): declareParameter(name)
        case .attribute(let name, _): load(name)
        case .tuple(let targets): targets.forEach(declareParameters)
        }
    }

    private func store(_ target: TemplateTarget) {
        switch target {
        case .name(let name): store(name)
        case .attribute(let name, _): load(name)
        case .tuple(let targets): targets.forEach(store)
        }
    }

    func analyse(_ expression: TemplateExpression?) {
        expression?.forEachName { name, _ in load(name) }
    }

    func analyse(_ postfixes: [TemplatePostfix]) {
        for postfix in postfixes { postfix.forEachName { name, _ in load(name) } }
    }

    func analyse(_ statements: [TemplateStatement]) {
        for statement in statements {
            switch statement.kind {
            case .text, .breakLoop, .continueLoop: break
            case .print(let value): analyse(value)
            case .branch(let branches, let otherwise): analyseBranches(branches, otherwise)
            case .loop(let loop): analyse(loop.iterable)
            case .set(let target, let value):
                analyse(value)
                store(target)
            case .setBlock(let target, _, _): store(target)
            case .macro(let name, _): store(name)
            case .callBlock(let call, _): analyse(call)
            case .filterBlock(let filters, _): analyse(filters)
            case .with(let values, _):
                for (_, value) in values { analyse(value) }
            }
        }
    }

    private func analyseBranches(
        _ branches: [(test: TemplateExpression, body: [TemplateStatement])],
        _ otherwise: [TemplateStatement]
    ) {
        guard let first = branches.first else { return }
        analyse(first.test)
        let changes =
            changes(in: { analyse(first.body) })
            + changes(in: {
                for branch in branches.dropFirst() { analyseBranches([branch], []) }
            }) + changes(in: { analyse(otherwise) })
        // What only some branches assign starts with the value it has outside.
        var newlyStored: Set<String> = []
        for (name, symbol) in changes {
            if symbol.isStored, symbols[name]?.isStored != true { newlyStored.insert(name) }
        }
        for (name, symbol) in changes {
            let isStored = symbol.isStored || symbols[name]?.isStored == true
            set(name, Symbol(load: symbol.load, isStored: isStored))
        }
        for name in newlyStored {
            let load = parent?.find(name).map { Load.alias($0) } ?? .resolve
            set(name, Symbol(load: load, isStored: true))
        }
    }

    /// What an analysis finds out about names; it is forgotten again.
    private func changes(in analysis: () -> Void) -> [(name: String, symbol: Symbol)] {
        let start = journal.count
        analysis()
        var changes: [(name: String, symbol: Symbol)] = []
        var seen: Set<String> = []
        for (name, before) in journal[start...].reversed() {
            if seen.insert(name).inserted, let symbol = symbols[name] {
                changes.append((name, symbol))
            }
            symbols[name] = before
        }
        journal.removeSubrange(start...)
        return changes
    }
}

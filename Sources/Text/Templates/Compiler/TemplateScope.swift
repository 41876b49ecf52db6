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

    private struct Symbols {
        var loads: [String: Load] = [:]
        var stores: Set<String> = []
    }

    let parent: TemplateScope?
    let function: TemplateFunctionBuilder
    private var symbols = Symbols()
    private var slots: [String: Int] = [:]

    init(parent: TemplateScope?, function: TemplateFunctionBuilder) {
        self.parent = parent
        self.function = function
    }

    /// The loads of the scope, in a fixed order.
    var loads: [(variable: Variable, name: String, load: Load)] {
        symbols.loads.sorted { $0.key < $1.key }.map { (own($0.key), $0.key, $0.value) }
    }

    /// The variable a name stands for in this scope, once the scope was analysed.
    func find(_ name: String) -> Variable? {
        symbols.loads[name] == nil ? parent?.find(name) : own(name)
    }

    private func own(_ name: String) -> Variable {
        if let slot = slots[name] { return Variable(depth: function.depth, slot: slot) }
        let slot = function.makeSlot()
        slots[name] = slot
        return Variable(depth: function.depth, slot: slot)
    }

    // MARK: Names

    func declareParameter(_ name: String) {
        symbols.stores.insert(name)
        symbols.loads[name] = .parameter
    }

    func load(_ name: String) {
        if find(name) == nil { symbols.loads[name] = .resolve }
    }

    private func store(_ name: String) {
        symbols.stores.insert(name)
        guard symbols.loads[name] == nil else { return }
        symbols.loads[name] = parent?.find(name).map { .alias($0) } ?? .missing
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
        let bodySymbols = symbols(after: { analyse(first.body) })
        let elseIfSymbols = symbols(after: {
            for branch in branches.dropFirst() { analyseBranches([branch], []) }
        })
        let elseSymbols = symbols(after: { analyse(otherwise) })
        merge([bodySymbols, elseIfSymbols, elseSymbols])
    }

    /// The symbols as they are after an analysis, which is taken back.
    private func symbols(after analysis: () -> Void) -> Symbols {
        let before = symbols
        defer { symbols = before }
        analysis()
        return symbols
    }

    /// Takes over what branches found; what only some of them assign starts with its outer value.
    private func merge(_ branches: [Symbols]) {
        var newStores: Set<String> = []
        for branch in branches { newStores.formUnion(branch.stores) }
        newStores.subtract(symbols.stores)
        for branch in branches {
            symbols.loads.merge(branch.loads) { _, new in new }
            symbols.stores.formUnion(branch.stores)
        }
        for name in newStores {
            symbols.loads[name] = parent?.find(name).map { .alias($0) } ?? .resolve
        }
    }
}

/// A value of a running template.
///
/// Strings and numbers know who wrote them. Lists and mappings cannot be changed once made, so they
/// cannot contain themselves.
enum TemplateValue {
    /// A variable that has no value yet; never on the stack.
    case missing
    case undefined(TemplateUndefined)
    case none
    case bool(Bool)
    case integer(Int, TemplateOrigin)
    case number(Double, TemplateOrigin)
    case string(TemplateText)
    case list(TemplateList)
    case tuple(TemplateList)
    case dict(TemplateDict)
    case range(TemplateRange)
    /// What `keys`, `values` and `items` of a mapping give.
    case view(TemplateDict, TemplateView)
    /// What filters such as `map` and `select` give: items that can be gone through once.
    case iterator(TemplateIterator)
    case namespace(TemplateNamespace)
    case loop(TemplateLoop)
    case macro(TemplateMacro)
    case function(TemplateFunction)
    case method(TemplateMethod)
    case cycler(TemplateCycler)
    case joiner(TemplateJoiner)

    static func integer(_ value: Int) -> TemplateValue { .integer(value, .template) }
    static func number(_ value: Double) -> TemplateValue { .number(value, .template) }
    static func string(_ text: String) -> TemplateValue { .string(TemplateText(text)) }

    /// The name of the type, as Python has it.
    var typeName: String {
        switch self {
        case .missing, .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .integer: "int"
        case .number: "float"
        case .string: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dict: "dict"
        case .range: "range"
        case .view(_, let view): view.typeName
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .macro: "Macro"
        case .function: "function"
        case .method: "method"
        case .cycler: "Cycler"
        case .joiner: "Joiner"
        }
    }

    /// Whether a condition takes it as true.
    var isTrue: Bool {
        switch self {
        case .missing, .undefined, .none: false
        case .bool(let value): value
        case .integer(let value, _): value != 0
        case .number(let value, _): value != 0
        case .string(let text): !text.isEmpty
        case .list(let list), .tuple(let list): !list.items.isEmpty
        case .dict(let dict), .view(let dict, _): !dict.isEmpty
        case .range(let range): range.count > 0
        case .loop(let loop): loop.length > 0
        default: true
        }
    }

    var isUndefined: Bool {
        switch self {
        case .undefined, .missing: true
        default: false
        }
    }

    var isNone: Bool {
        if case .none = self { true } else { false }
    }

    /// The text of a string.
    var text: TemplateText? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The value of an integer or boolean.
    var integerValue: Int? {
        switch self {
        case .integer(let value, _): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The value of a number, integer or boolean.
    var numberValue: Double? {
        if case .number(let value, _) = self { return value }
        return integerValue.map(Double.init)
    }

    /// Whether any of it came from content.
    var origin: TemplateOrigin {
        switch self {
        case .integer(_, let origin), .number(_, let origin): origin
        case .string(let text): text.overallOrigin
        case .list(let list), .tuple(let list): list.origin
        case .dict(let dict), .view(let dict, _): dict.origin
        case .iterator(let iterator): iterator.origin
        default: .template
        }
    }

    /// How many levels of lists and mappings it has.
    var depth: Int {
        switch self {
        case .list(let list), .tuple(let list): list.depth
        case .dict(let dict), .view(let dict, _): dict.depth
        case .iterator(let iterator): iterator.depth
        case .method(let method): method.depth
        case .cycler(let cycler): cycler.items.depth
        case .joiner(let joiner): joiner.depth
        case .loop(let loop): loop.depth + 1
        default: 0
        }
    }

    /// The bytes that printing it would have to go through, about.
    var weight: Int {
        switch self {
        case .string(let text): text.count + 1
        case .list(let list), .tuple(let list): list.weight
        case .dict(let dict), .view(let dict, _): dict.weight
        case .iterator(let iterator): iterator.weight
        case .range(let range): range.count
        case .method(let method): method.receiver.weight
        default: 1
        }
    }
}

/// Why a value is undefined, for the message if it is used.
indirect enum TemplateUndefined {
    case name(String)
    case attribute(String, of: String)
    case element(String, of: String)
    case parameter(String)
    case other(String)

    var message: String {
        switch self {
        case .name(let name): "'\(name)' is undefined"
        case .attribute(let name, let type): "'\(name)' is not there in a value of type '\(type)'"
        case .element(let index, let type): "a value of type '\(type)' has no element \(index)"
        case .parameter(let name): "the parameter '\(name)' was not given"
        case .other(let message): message
        }
    }

    var error: TemplateError {
        TemplateError(
            .undefined, message,
            remedy: "give the template what it expects, or test with 'is defined'")
    }
}

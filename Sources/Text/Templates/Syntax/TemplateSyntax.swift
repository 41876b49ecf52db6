/// An expression of a template, with the line it begins on.
struct TemplateExpression: Sendable {
    let line: Int
    let kind: Kind

    /// Chains of operators and of postfixes are flat, so that only true nesting makes depth.
    indirect enum Kind: Sendable {
        case constant(TemplateConstant)
        case name(String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case dict([(key: TemplateExpression, value: TemplateExpression)])
        case conditional(
            test: TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
        case unary(TemplateUnary, TemplateExpression)
        case binary(TemplateExpression, [(operation: TemplateBinary, operand: TemplateExpression)])
        case comparison(
            TemplateExpression, [(operation: TemplateComparison, operand: TemplateExpression)])
        case and([TemplateExpression])
        case or([TemplateExpression])
        case concatenation([TemplateExpression])
        /// Attribute look-ups, calls, filters and tests, one after the other.
        case postfix(TemplateExpression, [TemplatePostfix])
    }
}

/// What may follow an expression.
struct TemplatePostfix: Sendable {
    let line: Int
    let kind: Kind

    enum Kind: Sendable {
        case attribute(String)
        case item(TemplateExpression)
        case slice(TemplateExpression?, TemplateExpression?, TemplateExpression?)
        case call(TemplateArguments)
        case filter(String, TemplateArguments)
        case test(String, TemplateArguments, isNegated: Bool)
    }
}

/// The arguments of a call, filter or test.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var keywords: [(name: String, value: TemplateExpression)] = []
    var star: TemplateExpression?
    var doubleStar: TemplateExpression?
}

/// A literal.
enum TemplateConstant: Sendable, Hashable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string([UInt8])
}

enum TemplateUnary: Sendable {
    case not, negate, plus
}

enum TemplateBinary: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

enum TemplateComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// What `set` and `for` assign to.
indirect enum TemplateTarget: Sendable {
    case name(String)
    case attribute(of: String, String)
    case tuple([TemplateTarget])
}

/// A statement or a piece of output, with the line it begins on.
struct TemplateStatement: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case text([UInt8])
        case print(TemplateExpression)
        case branch(
            [(test: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
        case loop(TemplateForLoop)
        case set(TemplateTarget, TemplateExpression)
        case setBlock(TemplateTarget, filters: [TemplatePostfix], body: [TemplateStatement])
        case macro(String, TemplateMacroSyntax)
        /// A call that gets its body as `caller`; without a call, the body is printed.
        case callBlock(call: TemplateExpression?, TemplateMacroSyntax)
        case filterBlock([TemplatePostfix], body: [TemplateStatement])
        case with([(target: TemplateTarget, value: TemplateExpression)], body: [TemplateStatement])
        case breakLoop
        case continueLoop
    }
}

struct TemplateForLoop: Sendable {
    var target: TemplateTarget
    var iterable: TemplateExpression
    var test: TemplateExpression?
    var body: [TemplateStatement]
    var otherwise: [TemplateStatement]
}

struct TemplateMacroSyntax: Sendable {
    var parameters: [String] = []
    /// The defaults of the last parameters.
    var defaults: [TemplateExpression] = []
    var body: [TemplateStatement] = []
}

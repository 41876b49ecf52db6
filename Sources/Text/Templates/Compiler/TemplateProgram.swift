/// A template made ready to run: instructions for a stack machine, one chunk a macro.
///
/// Running it needs no recursion, so that no template can overflow the thread's stack.
struct TemplateProgram: Sendable {
    var constants: [TemplateConstant] = []
    var names: [String] = []
    /// The first chunk is the template itself.
    var chunks: [TemplateChunk] = []
    var calls: [TemplateCallShape] = []
    var filters: [TemplateFilterSite] = []
    var tests: [TemplateTestSite] = []
}

/// The instructions of the template or of one macro.
struct TemplateChunk: Sendable {
    var instructions: [TemplateInstruction] = []
    /// The line of each instruction.
    var lines: [Int32] = []
    var slotCount = 0
    var macro: TemplateMacroShape?
}

/// How a macro takes its arguments.
struct TemplateMacroShape: Sendable {
    var name: String?
    var parameters: [(name: String, slot: Int)] = []
    var callerSlot: Int?
    var keywordsSlot: Int?
    var extrasSlot: Int?
}

/// The arguments on the stack at a call: positional ones, `*`, named ones, `**`.
struct TemplateCallShape: Sendable {
    var positional = 0
    var keywords: [String] = []
    var hasStar = false
    var hasDoubleStar = false
}

struct TemplateFilterSite: Sendable {
    var name: String
    /// Nil for a name that is no filter, which is an error only if it runs.
    var filter: TemplateFilter?
    var shape: Int
}

struct TemplateTestSite: Sendable {
    var name: String
    var test: TemplateTest?
    var shape: Int
    var isNegated: Bool
}

/// One step of the machine. "Hops" count the functions between here and a variable's function.
enum TemplateInstruction: Sendable {
    // Output
    case text(Int)
    case print
    case beginCapture
    /// Pushes what was written since the matching `beginCapture`.
    case endCapture
    case discardCapture

    // Variables
    case constant(Int)
    case load(slot: Int32, hops: Int32, name: Int32)
    case store(slot: Int)
    /// Gives a variable the value of a given variable or a global of that name.
    case resolve(slot: Int, name: Int)
    case alias(slot: Int32, from: Int32, hops: Int32)
    case clear(slot: Int)
    case undefinedParameter(slot: Int, name: Int)
    case checkNamespace(slot: Int32, hops: Int32)
    case storeAttribute(slot: Int32, hops: Int32, name: Int32)
    /// Replaces a value by its items, the first one on top.
    case unpack(Int)

    // Expressions
    case not
    case negate
    case plus
    case binary(TemplateBinary)
    case compare(TemplateComparison)
    case concatenate(Int)
    case list(Int)
    case tuple(Int)
    case dict(Int)
    case attribute(name: Int)
    case item
    case slice(hasStart: Bool, hasStop: Bool, hasStep: Bool)
    case call(shape: Int)
    case filter(site: Int)
    case test(site: Int)
    /// What an inline `if` without `else` gives when it does not apply.
    case undefinedCondition

    // Control
    case jump(TemplateJump, to: Int)
    case beginLoop
    /// Counts an item that passed the loop's condition, and pushes it again.
    case acceptItem
    /// Keeps an item that passed the loop's condition for `endCollecting`.
    case collectItem
    /// Ends a loop and pushes the list of what it collected.
    case endCollecting
    case storeLoop(slot: Int)
    case completeIteration
    /// Ends a loop; on request pushes whether no iteration was completed.
    case endLoop(asksForElse: Bool)
    case macro(chunk: Int)
    case end
}

enum TemplateJump: Sendable {
    case always
    case ifFalse
    /// Keeps the value if it jumps, drops it otherwise.
    case ifFalseKeeping
    case ifTrueKeeping
    /// Compares the two values on top: jumps with false, or goes on with the second one.
    case unlessCompared(TemplateComparison)
    /// Jumps if a macro's parameter was given.
    case ifBound(slot: Int32)
    /// Pushes the next item of the loop, or jumps; counts it unless a condition comes first.
    case ifExhausted(counts: Bool)
}

/// What a rendering may still cost.
///
/// It is counted in units of about a third of a nanosecond on a machine of 2024: an instruction
/// takes 64 of them, and work on a value as many as it was measured to take, so that no template
/// gets much more time out of its steps than any other.
struct TemplateBudget {
    private let steps: Int
    private var remaining: Int

    private static let unitsPerStep = 64

    /// What copying an item of a list costs.
    static let item = 64
    /// What looking a key up or storing one costs.
    static let key = 400
    /// What making a small object costs, such as a part of a string or a tuple.
    static let object = 256
    /// What printing a number with a fraction costs.
    static let number = 4096
    /// What calling a macro costs beyond its instructions.
    static let call = 1024

    init(steps: Int) {
        self.steps = steps
        remaining = steps.multipliedClamped(by: Self.unitsPerStep)
    }

    /// Pays for an instruction.
    mutating func chargeStep() throws(TemplateError) {
        remaining -= Self.unitsPerStep
        if remaining < 0 { throw exceeded }
    }

    /// Pays for work.
    mutating func charge(_ units: Int) throws(TemplateError) {
        remaining = remaining.addingClamped(-units)
        if remaining < 0 { throw exceeded }
    }

    /// Pays for work on so many bytes or items.
    mutating func charge(_ count: Int, each units: Int) throws(TemplateError) {
        try charge(count.multipliedClamped(by: units))
    }

    /// Pays for copying so many bytes.
    mutating func chargeCopy(_ bytes: Int) throws(TemplateError) {
        try charge(TemplateBudget.item + bytes >> 3)
    }

    private var exceeded: TemplateError {
        TemplateError.limit("the template takes more than \(steps) steps", knob: "steps")
    }
}

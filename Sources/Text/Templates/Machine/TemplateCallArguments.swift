/// The arguments of a call, filter or test, evaluated.
struct TemplateCallArguments {
    var positional: [TemplateValue] = []
    var keywords: [(name: String, value: TemplateValue)] = []

    /// Puts the arguments in the order of parameters; nil stands for one that was not given.
    ///
    /// - Throws: `TemplateError` for too many arguments, unknown names, a parameter given twice, and
    ///   one of the first `required` parameters left out.
    func bind(
        _ what: @autoclosure () -> String, _ parameters: [String], required: Int = 0
    ) throws(TemplateError) -> [TemplateValue?] {
        guard positional.count <= parameters.count else {
            throw TemplateError.value(
                "\(what()) takes \(parameters.count) arguments at most and got \(positional.count)")
        }
        var values: [TemplateValue?] = Array(repeating: nil, count: parameters.count)
        for (position, value) in positional.enumerated() { values[position] = value }
        for (name, value) in keywords {
            guard let position = parameters.firstIndex(of: name) else {
                throw TemplateError.value(
                    "\(what()) has no parameter '\(name)'",
                    remedy: parameters.isEmpty
                        ? nil : "it has \(parameters.map { "'\($0)'" }.joined(separator: ", "))")
            }
            guard values[position] == nil else {
                throw TemplateError.value("the argument '\(name)' of \(what()) is given twice")
            }
            values[position] = value
        }
        for position in 0..<min(required, values.count) where values[position] == nil {
            throw TemplateError.value("\(what()) needs the argument '\(parameters[position])'")
        }
        return values
    }

    /// The first argument of a name or position, taken out.
    mutating func removeFirst() -> TemplateValue? {
        positional.isEmpty ? nil : positional.removeFirst()
    }
}

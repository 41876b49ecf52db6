/// Why a chat template could not be read or rendered.
public struct TemplateError: Error, Sendable, Hashable {
    /// What kind of fault it is; the message says the rest.
    public enum Kind: Sendable, Hashable {
        /// The source is no valid template.
        case syntax
        /// The source uses a part of Jinja that this interpreter leaves out.
        case unsupported
        /// An operation met a value it cannot work with.
        case value
        /// Something undefined was used as if it had a value.
        case undefined
        /// The template itself refused its input with `raise_exception`.
        case raised
        /// The template reached for something it has no right to.
        case security
        /// One of ``TemplateLimits`` was reached.
        case limit
    }

    /// The kind of fault.
    public let kind: Kind
    /// The line of the template's source, counted from 1, where one is known.
    public internal(set) var line: Int?
    /// What was found, and what was expected.
    public let message: String
    /// What to do about it, where there is something.
    public let remedy: String?

    init(_ kind: Kind, _ message: String, line: Int? = nil, remedy: String? = nil) {
        self.kind = kind
        self.line = line
        self.message = message
        self.remedy = remedy
    }

    /// The same error with a line, unless it has one.
    func located(at line: Int) -> TemplateError {
        guard self.line == nil else { return self }
        var error = self
        error.line = line
        return error
    }
}

extension TemplateError: CustomStringConvertible {
    public var description: String {
        let place = line.map { "chat template, line \($0)" } ?? "chat template"
        let advice = remedy.map { "; \($0)" } ?? ""
        return "\(place): \(message)\(advice)"
    }
}

extension TemplateError {
    static func value(_ message: String, remedy: String? = nil) -> TemplateError {
        TemplateError(.value, message, remedy: remedy)
    }

    static func limit(_ message: String, knob: String) -> TemplateError {
        TemplateError(
            .limit, message,
            remedy: "raise TemplateLimits.\(knob) if the template is trusted and needs more")
    }

    static func unsupported(_ what: String, line: Int? = nil) -> TemplateError {
        TemplateError(
            .unsupported, "\(what) is not part of the Jinja that chat templates may use",
            line: line, remedy: "write the template without it")
    }
}

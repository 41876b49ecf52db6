public import FathomJSON

/// A chat template: the Jinja program of a model that turns messages into a prompt.
///
/// ```swift
/// let template = try ChatTemplate(source)
/// let prompt = try template.renderSegments([
///     "messages": [["role": "user", "content": "Hello"]],
///     "add_generation_prompt": true,
///     "bos_token": "<s>",
/// ])
/// ```
///
/// It behaves as Jinja 3.1 does in the sandbox that Transformers uses: blocks are trimmed, `tojson`
/// escapes nothing for HTML, and there are `raise_exception`, `strftime_now`, `break`, `continue` and
/// `generation`. A template can read nothing but the variables it is given, change nothing but its
/// own namespaces, and is stopped at ``TemplateLimits``. What needs other templates (`include`,
/// `import`, `extends`), recursive loops and filters for web pages are refused by name.
///
/// A template is read once and can be rendered from many threads.
public struct ChatTemplate: Sendable {
    private let program: TemplateProgram
    private let limits: TemplateLimits

    /// The variables whose text counts as written by the template itself: the special tokens that
    /// come from the model's own files.
    public static let trustedVariables: Set<String> = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
        "additional_special_tokens", "image_token", "audio_token", "video_token",
    ]

    /// What `strftime_now` takes for the current date and time.
    public var now: @Sendable () -> TemplateDate = { TemplateDate.now }

    /// Reads a template.
    ///
    /// - Throws: ``TemplateError`` with the line that is malformed, unsupported or nested too deep.
    public init(_ source: String, limits: TemplateLimits = .default) throws(TemplateError) {
        let statements = try TemplateParser.statements(of: source, limits: limits)
        program = try TemplateCompiler.compile(statements)
        self.limits = limits
    }

    /// Renders the prompt as plain text.
    ///
    /// Use ``renderSegments(_:trusted:)`` for text that is going to be tokenised: here a message may
    /// contain what looks like a special token.
    ///
    /// - Throws: ``TemplateError``, among them what the template refuses with `raise_exception`.
    public func render(_ variables: JSONObject) throws(TemplateError) -> String {
        try run(variables, trusted: []).string
    }

    /// Renders the prompt as segments that say who wrote them.
    ///
    /// Literals of the template and the `trusted` variables become `template` segments. Everything
    /// that came from other variables becomes `content`, through whatever operations it went; inside
    /// of it no special token is recognised. Neighbours differ in kind, and the texts together are
    /// what ``render(_:)`` gives.
    ///
    /// - Throws: ``TemplateError``, among them what the template refuses with `raise_exception`.
    public func renderSegments(
        _ variables: JSONObject, trusted: Set<String> = ChatTemplate.trustedVariables
    ) throws(TemplateError) -> [PromptSegment] {
        let text = try run(variables, trusted: trusted)
        return text.stretches.map { range, origin in
            let part = String(decoding: text.bytes[range], as: UTF8.self)
            return origin == .template ? .template(part) : .content(part)
        }
    }

    private func run(
        _ variables: JSONObject, trusted: Set<String>
    ) throws(TemplateError) -> TemplateText {
        var machine = TemplateMachine(
            program, limits: limits, variables: variables, trusted: trusted, clock: now)
        return try machine.run()
    }
}

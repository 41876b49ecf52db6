public import FathomJSON

/// Turns a conversation into the prompt of DeepSeek-V3.2, which has no chat template.
///
/// ```swift
/// let prompt = try MessageEncoder(mode: .thinking).encode([
///     ["role": "user", "content": "Why is the sky blue?"],
/// ])
/// let ids = tokenizer.encode(prompt)
/// ```
///
/// Messages are JSON objects with `role` (`system`, `developer`, `user`, `assistant`, `tool`) and
/// `content`; assistants' may have `reasoning_content` and `tool_calls`, those of the system and
/// of developers `tools` and `response_format`. What they say becomes `content` segments, so that
/// no message can contain a special token.
///
/// Reasoning is repeated in the prompt only after the last message of a user or developer: a new
/// question forgets it, results of tools do not. The published program's option `drop_thinking`
/// changes nothing about that, so there is none here. Two things it lets pass are refused: results
/// for some of a message's calls only, and a message whose text is missing. One that it refuses
/// is taken: developers' messages before the last question, in thinking mode.
///
/// - SeeAlso: `encoding/encoding_dsv32.py` of the model `deepseek-ai/DeepSeek-V3.2`, 2025.
public struct MessageEncoder: Sendable, Hashable {
    /// Whether the model thinks before it answers.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        case chat, thinking
    }

    public var mode: Mode
    /// Whether the prompt begins with the token that begins a text.
    public var addsBeginOfSequence: Bool

    public init(mode: Mode = .chat, addsBeginOfSequence: Bool = true) {
        self.mode = mode
        self.addsBeginOfSequence = addsBeginOfSequence
    }

    /// The prompt of a conversation, up to where the assistant's answer begins.
    ///
    /// With `context`, the text of these messages is left out and what follows it is given; it
    /// fits what was encoded before as long as no question is among `messages`.
    ///
    /// - Throws: ``MessageEncodingError`` with the message and field that have no encoding.
    public func encode(
        _ messages: [JSONValue], after context: [JSONValue] = []
    ) throws(MessageEncodingError) -> [PromptSegment] {
        var all: [EncodedMessage] = []
        for json in context + messages {
            all.append(try EncodedMessage(json, index: all.count))
        }
        let lastQuestion = all.lastIndex { $0.role == .user || $0.role == .developer } ?? -1
        var writer = SegmentWriter()
        if addsBeginOfSequence, context.isEmpty {
            writer.template(ModelMarkers.beginOfSequence)
        }
        // The calls of the last assistant message and how many of them have a result.
        var calls = (message: 0, count: 0, results: 0)
        for (index, message) in all.enumerated() {
            if message.role == .tool {
                guard calls.results < calls.count else {
                    throw .resultWithoutCall(message: index)
                }
                calls.results += 1
            } else {
                try Self.checkResults(calls)
                calls = (index, message.role == .assistant ? message.calls.count : 0, 0)
            }
            guard index >= context.count else { continue }
            try write(
                message, index, isThinking: mode == .thinking && index >= lastQuestion,
                isFirstResult: calls.results == 1, isLastResult: calls.results == calls.count,
                to: &writer)
        }
        try Self.checkResults(calls)
        return writer.segments
    }

    private static func checkResults(
        _ calls: (message: Int, count: Int, results: Int)
    ) throws(MessageEncodingError) {
        guard calls.results == 0 || calls.results == calls.count else {
            throw .missingResults(
                message: calls.message, calls: calls.count, results: calls.results)
        }
    }

    private func write(
        _ message: EncodedMessage, _ index: Int, isThinking: Bool, isFirstResult: Bool,
        isLastResult: Bool, to writer: inout SegmentWriter
    ) throws(MessageEncodingError) {
        let turn = isThinking ? ModelMarkers.beginOfThinking : ModelMarkers.endOfThinking
        switch message.role {
        case .system:
            writer.content(message.content)
            writeTools(of: message, to: &writer)
        case .developer:
            guard !message.content.isEmpty else { throw .emptyDeveloperMessage(message: index) }
            writer.template(ModelMarkers.user)
            writeTools(of: message, to: &writer)
            writer.template("\n\n# The user's message is: ")
            writer.content(message.content)
            writer.template(ModelMarkers.assistant + turn)
        case .user:
            writer.template(ModelMarkers.user)
            writer.content(message.content)
            writer.template(ModelMarkers.assistant + turn)
        case .tool:
            if isFirstResult { writer.template("\n\n<function_results>") }
            writer.template("\n<result>")
            writer.content(message.content)
            writer.template("</result>")
            if isLastResult { writer.template("\n</function_results>\n\n" + turn) }
        case .assistant:
            if isThinking {
                guard !message.reasoning.isEmpty || !message.calls.isEmpty else {
                    throw .missingReasoning(message: index)
                }
                writer.content(message.reasoning)
                writer.template(ModelMarkers.endOfThinking)
            }
            writer.content(message.content)
            if !message.calls.isEmpty { write(message.calls, to: &writer) }
            writer.template(ModelMarkers.endOfSequence)
        }
    }
}

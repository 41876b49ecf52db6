public import FathomJSON

/// How conversations with a model are written and its answers read.
///
/// ```swift
/// let format = try ConversationFormat(template: tokenizer.chatTemplate, modelType: "deepseek_v32")
/// let prompt = try format.prompt(Conversation(messages: messages, thinks: true), tokenizer)
/// var answer = format.makeStream(after: prompt)
/// ```
///
/// Models with a chat template are asked with it and read by the format for calls that it uses.
/// DeepSeek-V3.2 comes without a template and has ``MessageEncoder`` instead.
public struct ConversationFormat: Sendable {
    /// What writes prompts.
    public enum Prompting: Sendable {
        case template(ChatTemplate)
        /// The encoding of DeepSeek-V3.2.
        case messageEncoder
    }

    public let prompting: Prompting
    /// How the model writes calls of tools.
    public let toolCalls: ToolCallFormat
    /// Whether the prompt tells the model which tools there are.
    public let takesTools: Bool

    /// The format of a model.
    ///
    /// - Parameters:
    ///   - template: The source of its chat template, which decides if there is one.
    ///   - modelType: `model_type` of `config.json`.
    ///   - tokenizer: Its tokenizer; a token for DSML makes known what `modelType` may not.
    /// - Throws: ``ConversationFormatError/noFormat(modelType:)`` without a template, unless the
    ///   model is DeepSeek-V3.2, or ``TemplateError`` if the template cannot be read.
    public init(template: String?, modelType: String? = nil, tokenizer: Tokenizer? = nil) throws {
        if let template {
            prompting = .template(try ChatTemplate(template))
            toolCalls = ToolCallFormat(inTemplate: template)
            takesTools = Self.names("tools", in: template)
        } else if modelType == "deepseek_v32"
            || tokenizer?.id(of: ModelMarkers.DSML.token) != nil
        {
            prompting = .messageEncoder
            toolCalls = .dsml
            takesTools = true
        } else {
            throw ConversationFormatError.noFormat(modelType: modelType)
        }
    }

    /// The prompt of a conversation, up to where the assistant's answer begins.
    ///
    /// Of the reasoning in earlier answers (`reasoning_content`), the model sees what its
    /// developers publish that it should: V3.2 all since the last question, through any number of
    /// tools' results; templates what they print.
    ///
    /// - Throws: ``MessageEncodingError`` or ``TemplateError`` for messages that have no place in
    ///   the format, ``ConversationFormatError/takesNoTools`` for tools it would not mention.
    public func prompt(
        _ conversation: Conversation, _ tokenizer: Tokenizer
    ) throws -> [PromptSegment] {
        guard conversation.tools.isEmpty || takesTools else {
            throw ConversationFormatError.takesNoTools
        }
        switch prompting {
        case .messageEncoder:
            let encoder = MessageEncoder(mode: conversation.thinks == true ? .thinking : .chat)
            return try encoder.encode(conversation.messagesWithTools)
        case .template(let template):
            var variables = conversation.variables
            variables["messages"] = .array(conversation.messages)
            variables["tools"] =
                conversation.tools.isEmpty ? .null : .array(conversation.tools)
            variables["add_generation_prompt"] = true
            if let thinks = conversation.thinks {
                // V3.1 asks for the one, Qwen3 and others for the other.
                variables["thinking"] = .bool(thinks)
                variables["enable_thinking"] = .bool(thinks)
            }
            for (name, id) in [
                ("bos_token", tokenizer.beginOfSequence), ("eos_token", tokenizer.endOfSequence),
            ] {
                if let id, let token = tokenizer.token(id) { variables[name] = .string(token) }
            }
            return try template.renderSegments(variables)
        }
    }

    /// A reader for the answer to a prompt.
    ///
    /// Whether the answer begins inside of reasoning follows from the prompt's end, as far as the
    /// format wrote it: a message that ends with `<think>` opens nothing.
    public func makeStream(after prompt: [PromptSegment]) -> CompletionStream {
        CompletionStream(toolCalls: toolCalls, opening: Self.opening(after: prompt))
    }

    /// Where the answer to a prompt begins.
    public static func opening(after prompt: [PromptSegment]) -> CompletionStream.Opening {
        guard case .template(let text) = prompt.last else { return .undecided }
        var end = text.utf8[...]
        while let last = end.last, [0x20, 0x0A, 0x0D, 0x09].contains(last) { end.removeLast() }
        func ends(with marker: String) -> Bool {
            end.suffix(marker.utf8.count).elementsEqual(marker.utf8)
        }
        if ends(with: ModelMarkers.beginOfThinking) { return .reasoning }
        if ends(with: ModelMarkers.endOfThinking) { return .content }
        return .undecided
    }

    /// Whether a template names a variable; `tool_calls` and `is_tool` are other names.
    private static func names(_ variable: String, in source: String) -> Bool {
        let source = Array(source.utf8)
        let name = Array(variable.utf8)
        func continuesName(_ position: Int) -> Bool {
            guard source.indices.contains(position) else { return false }
            let scalar = Unicode.Scalar(source[position])
            return scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
        }
        return source.indices.contains { start in
            source[start...].starts(with: name) && !continuesName(start - 1)
                && !continuesName(start + name.count)
        }
    }
}

/// What a prompt is made of: messages, tools and whether the model is to think.
public struct Conversation: Sendable, Hashable {
    /// The messages as JSON objects with `role`, `content` and what else the model knows.
    public var messages: [JSONValue]
    /// The tools in the form of the OpenAI protocol: `{"type": "function", "function": {…}}`.
    public var tools: [JSONValue]
    /// Whether the model reasons first; nil leaves that to the template, and means no where the
    /// model must be told.
    public var thinks: Bool?
    /// Further variables of the chat template.
    public var variables: JSONObject

    public init(
        messages: [JSONValue], tools: [JSONValue] = [], thinks: Bool? = nil,
        variables: JSONObject = [:]
    ) {
        self.messages = messages
        self.tools = tools
        self.thinks = thinks
        self.variables = variables
    }

    /// The messages with the tools where V3.2 has them: in a system message, the first.
    var messagesWithTools: [JSONValue] {
        guard !tools.isEmpty else { return messages }
        var first: JSONObject = ["role": "system", "content": ""]
        var rest = messages[...]
        if case .object(let message) = rest.first, message["role"] == "system" {
            first = message
            rest = rest.dropFirst()
        }
        first["tools"] = .array((first["tools"]?.arrayValue ?? []) + tools)
        return [.object(first)] + rest
    }
}

/// Why a conversation cannot be held with a model.
public enum ConversationFormatError: Error, Sendable, Hashable {
    /// A model without a chat template whose format is not known otherwise.
    case noFormat(modelType: String?)
    /// A chat template that does not say which tools there are.
    case takesNoTools
}

extension ConversationFormatError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noFormat(let modelType):
            "the model\(modelType.map { " of type '\($0.excerpt)'" } ?? "") has no chat template; "
                + "give one, or continue plain text instead"
        case .takesNoTools:
            "the model's chat template does not mention tools, so it would never learn of those "
                + "given; leave them out, describe them in a system message or give another template"
        }
    }
}

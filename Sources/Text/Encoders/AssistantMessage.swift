public import FathomJSON

/// A function that a model asks to have called.
public struct ToolCall: Sendable, Hashable {
    /// The function's name.
    public var name: String
    /// The arguments as the text of a JSON object, as the model wrote them.
    public var arguments: String

    public init(name: String, arguments: String) {
        self.name = name
        self.arguments = arguments
    }

    /// The call as chat templates and the OpenAI protocol write it, with an id if one is given.
    public func json(id: String? = nil) -> JSONValue {
        var call = JSONObject()
        if let id { call["id"] = .string(id) }
        call["type"] = "function"
        call["function"] = ["name": .string(name), "arguments": .string(arguments)]
        return .object(call)
    }
}

/// What a model answered: its reasoning, its text and the functions it wants called.
public struct AssistantMessage: Sendable, Hashable {
    /// What the model thought before it answered.
    public var reasoning: String
    /// The answer.
    public var content: String
    /// The calls, in the order in which they were written.
    public var toolCalls: [ToolCall]

    public init(reasoning: String = "", content: String = "", toolCalls: [ToolCall] = []) {
        self.reasoning = reasoning
        self.content = content
        self.toolCalls = toolCalls
    }

    /// Adds what an event of the answer brings.
    public mutating func append(_ event: CompletionEvent) {
        switch event {
        case .reasoning(let text): reasoning += text
        case .content(let text): content += text
        case .toolCallFinished(_, let call): toolCalls.append(call)
        case .toolCallStarted, .toolCallArguments, .toolCallAbandoned: break
        }
    }

    /// The message as it joins a conversation's history.
    ///
    /// Reasoning stands in `reasoning_content`; whether a prompt repeats it is for the model's
    /// template or ``MessageEncoder`` to say. What is empty is left out, because templates ask
    /// whether `tool_calls` is there; beside calls an empty text is null, without which the
    /// template of V2.5 leaves the calls out.
    public var json: JSONValue {
        var message: JSONObject = ["role": "assistant"]
        message["content"] = content.isEmpty && !toolCalls.isEmpty ? .null : .string(content)
        if !reasoning.isEmpty { message["reasoning_content"] = .string(reasoning) }
        if !toolCalls.isEmpty { message["tool_calls"] = .array(toolCalls.map { $0.json() }) }
        return .object(message)
    }
}

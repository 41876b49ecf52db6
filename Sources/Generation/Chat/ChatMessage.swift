public import FathomJSON
public import FathomText

/// A message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// `system`, `user`, `assistant`, `tool` or what else the model's format knows.
    public var role: String
    public var content: String
    /// What the assistant thought before it answered. Whether a later prompt repeats it is for the
    /// model's format to say.
    public var reasoning = ""
    /// What the assistant wants called.
    public var toolCalls: [ToolCall] = []

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    public static func system(_ content: String) -> ChatMessage {
        ChatMessage(role: "system", content: content)
    }

    public static func user(_ content: String) -> ChatMessage {
        ChatMessage(role: "user", content: content)
    }

    public static func assistant(
        _ content: String, reasoning: String = "", toolCalls: [ToolCall] = []
    ) -> ChatMessage {
        var message = ChatMessage(role: "assistant", content: content)
        message.reasoning = reasoning
        message.toolCalls = toolCalls
        return message
    }

    /// What a tool gave for a call of the assistant's message before it. Results stand in the
    /// order of the calls.
    public static func tool(_ result: String) -> ChatMessage {
        ChatMessage(role: "tool", content: result)
    }

    /// As templates and encoders see it.
    public var json: JSONValue {
        guard role == "assistant" else {
            return .object(JSONObject([("role", .string(role)), ("content", .string(content))]))
        }
        return AssistantMessage(reasoning: reasoning, content: content, toolCalls: toolCalls).json
    }
}

public import FathomJSON

/// A message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// `system`, `user`, `assistant` or what else the model's template knows.
    public var role: String
    public var content: String

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

    public static func assistant(_ content: String) -> ChatMessage {
        ChatMessage(role: "assistant", content: content)
    }

    /// As templates see it.
    public var json: JSONValue {
        .object(JSONObject([("role", .string(role)), ("content", .string(content))]))
    }
}

public import FathomJSON

/// Why a conversation has no encoding; messages are counted from 0.
public enum MessageEncodingError: Error, Sendable, Hashable {
    /// A field that must be there.
    case missingField(message: Int, field: String)
    /// A field that holds another kind of value than it should.
    case wrongType(message: Int, field: String, found: String, expected: String)
    /// A role the model does not know.
    case unknownRole(message: Int, role: String)
    /// A developer's message without text, which the model's format has no place for.
    case emptyDeveloperMessage(message: Int)
    /// An answer after the last user message that neither reasons nor calls, in thinking mode.
    case missingReasoning(message: Int)
    /// A result where no call waits for one.
    case resultWithoutCall(message: Int)
    /// Calls of which some have a result and some have none.
    case missingResults(message: Int, calls: Int, results: Int)
    /// Arguments of a call that are not JSON.
    case malformedArguments(message: Int, function: String, reason: JSONError)
}

extension MessageEncodingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingField(let message, let field):
            "message \(message): '\(field)' is missing"
        case .wrongType(let message, let field, let found, let expected):
            "message \(message): '\(field)' is \(found); expected \(expected)"
        case .unknownRole(let message, let role):
            "message \(message): the role '\(role.excerpt)' is unknown; roles are system, "
                + "developer, user, assistant and tool"
        case .emptyDeveloperMessage(let message):
            "message \(message): a developer's message needs text in 'content'"
        case .missingReasoning(let message):
            "message \(message): in thinking mode, an answer to the last user message needs "
                + "'reasoning_content' or 'tool_calls'; keep what the model gave"
        case .resultWithoutCall(let message):
            "message \(message): a tool's result must follow the assistant's message that called it"
        case .missingResults(let message, let calls, let results):
            "message \(message) calls \(calls) tools and \(results) results follow; give one for "
                + "each call, in the order of the calls"
        case .malformedArguments(let message, let function, let reason):
            "message \(message): the arguments of '\(function.excerpt)' are not JSON: \(reason)"
        }
    }
}

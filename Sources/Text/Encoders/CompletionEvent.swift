/// One step of an answer as it is read while the model still writes.
///
/// A call of a tool begins with `toolCallStarted`, has any number of `toolCallArguments` and ends
/// with `toolCallFinished`, or with `toolCallAbandoned` if it turned out to be none. Calls are
/// numbered from 0 in the order in which they start.
public enum CompletionEvent: Sendable, Hashable {
    /// More of the reasoning that precedes the answer.
    case reasoning(String)
    /// More of the answer.
    case content(String)
    /// A call whose function is known and whose arguments follow.
    case toolCallStarted(index: Int, name: String)
    /// More of the JSON text of a call's arguments.
    case toolCallArguments(index: Int, text: String)
    /// A whole call; its arguments are a JSON object and are what the pieces were together.
    case toolCallFinished(index: Int, call: ToolCall)
    /// A call that was malformed or cut off; all that the model wrote of it follows as content.
    case toolCallAbandoned(index: Int)
}

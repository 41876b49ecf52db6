public import FathomJSON
public import FathomText
import Synchronization

/// A conversation with a model: its messages, its cache and how tokens are chosen.
///
/// The cache keeps what was computed, so each turn costs only its own tokens. One answer at a
/// time: asking again before an answer has ended waits for it.
///
/// With tools, an answer may hold calls; their results are given back for the model to go on:
///
/// ```swift
/// var results: [String] = []
/// for try await event in session.respond(to: "How warm is it in Paris?") {
///     if case .toolCall(let call) = event { results.append(try run(call)) }
/// }
/// for try await event in session.respond(toToolResults: results) { … }
/// ```
public final class ChatSession: Sendable {
    public let model: LanguageModel

    private struct State {
        var messages: [ChatMessage]
        var tools: [JSONValue]
        var thinks: Bool?
        var sampling: SamplingParameters
        var maximumTokens: Int?
    }

    private let state: Mutex<State>
    private let box: CacheBox

    /// Begins a conversation.
    ///
    /// - Parameters:
    ///   - tools: What the model may call, in the form of the OpenAI protocol:
    ///     `{"type": "function", "function": {…}}`.
    ///   - thinks: Whether the model reasons before it answers, where it can be told; `nil` leaves
    ///     that to its chat template.
    public init(
        _ model: LanguageModel, system: String? = nil, tools: [JSONValue] = [],
        thinks: Bool? = nil, sampling: SamplingParameters = .init(temperature: 0.6, topP: 0.95),
        maximumTokens: Int? = nil
    ) {
        self.model = model
        box = CacheBox(PagedCache(model.store))
        state = Mutex(
            State(
                messages: system.map { [.system($0)] } ?? [], tools: tools, thinks: thinks,
                sampling: sampling, maximumTokens: maximumTokens))
    }

    /// What was said so far. Setting it rewrites the past; what is unchanged stays in the cache.
    public var messages: [ChatMessage] {
        get { state.withLock { $0.messages } }
        set { state.withLock { $0.messages = newValue } }
    }

    /// What the model may call.
    public var tools: [JSONValue] {
        get { state.withLock { $0.tools } }
        set { state.withLock { $0.tools = newValue } }
    }

    /// Whether the model reasons before it answers; `nil` leaves that to its chat template.
    public var thinks: Bool? {
        get { state.withLock { $0.thinks } }
        set { state.withLock { $0.thinks = newValue } }
    }

    public var sampling: SamplingParameters {
        get { state.withLock { $0.sampling } }
        set { state.withLock { $0.sampling = newValue } }
    }

    /// The calls of the last message, which wait for their results.
    public var openToolCalls: [ToolCall] { messages.last?.toolCalls ?? [] }

    /// Answers a message.
    ///
    /// The message and the answer join the conversation when the answer ends, also when its
    /// stream is ended early; an error leaves the conversation as it was.
    ///
    /// - Throws: through the stream, what `LanguageModel.format` and `LanguageModel.generate`
    ///   throw, and errors of the format about messages or tools that have no place in it.
    public func respond(to message: String) -> AsyncThrowingStream<GenerationEvent, any Error> {
        answer { _ in [.user(message)] }
    }

    /// Goes on with the results of the last answer's calls, one for each, in their order.
    ///
    /// - Throws: as `respond(to:)` does, and `ChatError.resultCount` for too few or too many.
    public func respond(
        toToolResults results: [String]
    ) -> AsyncThrowingStream<GenerationEvent, any Error> {
        answer { state in
            let calls = state.messages.last?.toolCalls.count ?? 0
            guard calls > 0, results.count == calls else {
                throw ChatError.resultCount(calls: calls, results: results.count)
            }
            return results.map { .tool($0) }
        }
    }

    private func answer(
        _ said: @escaping @Sendable (State) throws -> [ChatMessage]
    ) -> AsyncThrowingStream<GenerationEvent, any Error> {
        let before = state.withLock { $0 }
        let (stream, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
        let task = Task {
            do {
                let messages = before.messages + (try said(before))
                var request = try model.request(
                    Conversation(
                        messages: messages.map(\.json), tools: before.tools, thinks: before.thinks))
                request.sampling = before.sampling
                request.maximumTokens = before.maximumTokens
                var answer = ChatMessage.assistant("")
                for try await event in model.generate(request, box) {
                    answer.append(event)
                    continuation.yield(event)
                }
                let ended = messages + [answer]
                state.withLock { $0.messages = ended }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { reason in
            if case .cancelled = reason { task.cancel() }
        }
        return stream
    }
}

extension ChatMessage {
    /// Adds what an event of the answer brings.
    fileprivate mutating func append(_ event: GenerationEvent) {
        switch event {
        case .text(let piece): content += piece
        case .reasoning(let piece): reasoning += piece
        case .toolCall(let call): toolCalls.append(call)
        case .token, .finished: break
        }
    }
}

extension LanguageModel {
    /// A request for the assistant's answer to a conversation.
    ///
    /// What messages say is encoded as plain text: no message can contain a special token.
    ///
    /// - Throws: what `format` throws, and `TemplateError`, `MessageEncodingError` or
    ///   `ConversationFormatError` if messages or tools have no place in the format.
    public func request(_ conversation: Conversation) throws -> GenerationRequest {
        let format = try self.format
        let prompt = try format.prompt(conversation, tokenizer)
        var request = GenerationRequest(prompt: tokenizer.encode(prompt))
        request.toolCalls = format.toolCalls
        request.opening = ConversationFormat.opening(after: prompt)
        return request
    }
}

/// Why a conversation cannot be held.
public enum ChatError: Error, Hashable, CustomStringConvertible {
    case noTemplate
    /// Another number of results than calls that wait for one.
    case resultCount(calls: Int, results: Int)

    public var description: String {
        switch self {
        case .noTemplate:
            "the model has no chat template; give one with --template, or use `fathom generate` to "
                + "continue a text"
        case .resultCount(0, _):
            "the last message calls no tool, so that there are no results to give; answer with a "
                + "message"
        case .resultCount(let calls, let results):
            "\(results) results were given for \(calls) calls; give one for each, in their order"
        }
    }
}

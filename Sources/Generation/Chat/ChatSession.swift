import FathomJSON
import FathomText
import Synchronization

/// A conversation with a model: its messages, its cache and how tokens are chosen.
///
/// The cache keeps what was computed, so each turn costs only its own tokens. One answer at a
/// time: asking again before an answer has ended waits for it.
public final class ChatSession: Sendable {
    public let model: LanguageModel

    private struct State {
        var messages: [ChatMessage]
        var sampling: SamplingParameters
        var maximumTokens: Int?
    }

    private let state: Mutex<State>
    private let box: CacheBox

    /// Begins a conversation.
    public init(
        _ model: LanguageModel, system: String? = nil,
        sampling: SamplingParameters = .init(temperature: 0.6, topP: 0.95),
        maximumTokens: Int? = nil
    ) {
        self.model = model
        box = CacheBox(PagedCache(model.store))
        state = Mutex(
            State(
                messages: system.map { [.system($0)] } ?? [], sampling: sampling,
                maximumTokens: maximumTokens))
    }

    /// What was said so far. Setting it rewrites the past; what is unchanged stays in the cache.
    public var messages: [ChatMessage] {
        get { state.withLock { $0.messages } }
        set { state.withLock { $0.messages = newValue } }
    }

    public var sampling: SamplingParameters {
        get { state.withLock { $0.sampling } }
        set { state.withLock { $0.sampling = newValue } }
    }

    /// Answers a message.
    ///
    /// The message and the answer join the conversation when the answer ends, also when its
    /// stream is ended early; an error leaves the conversation as it was.
    public func respond(to message: String) -> AsyncThrowingStream<GenerationEvent, any Error> {
        let before = state.withLock { $0 }
        let (stream, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
        let task = Task {
            var answer = ""
            do {
                let messages = before.messages + [.user(message)]
                var request = GenerationRequest(
                    prompt: try model.prompt(for: messages), sampling: before.sampling)
                request.maximumTokens = before.maximumTokens
                for try await event in model.generate(request, box) {
                    if case .text(let piece) = event { answer += piece }
                    continuation.yield(event)
                }
                let ended = messages + [.assistant(answer)]
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

extension LanguageModel {
    /// The tokens of a conversation, up to where the assistant's answer begins.
    ///
    /// What messages say is encoded as plain text: no message can contain a special token.
    ///
    /// - Throws: `ChatError.noTemplate`, or `TemplateError` if the template refuses the messages.
    public func prompt(for messages: [ChatMessage]) throws -> [Int32] {
        guard let chatTemplate else { throw ChatError.noTemplate }
        var variables = JSONObject()
        variables["messages"] = .array(messages.map(\.json))
        variables["add_generation_prompt"] = true
        if let id = tokenizer.beginOfSequence, let text = tokenizer.token(id) {
            variables["bos_token"] = .string(text)
        }
        if let id = tokenizer.endOfSequence, let text = tokenizer.token(id) {
            variables["eos_token"] = .string(text)
        }
        return tokenizer.encode(try chatTemplate.renderSegments(variables))
    }
}

/// Why a conversation cannot be held.
public enum ChatError: Error, Hashable, CustomStringConvertible {
    case noTemplate

    public var description: String {
        "the model has no chat template; give one with --template, or use `fathom generate` to "
            + "continue a text"
    }
}

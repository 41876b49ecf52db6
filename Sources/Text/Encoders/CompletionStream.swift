/// Reads an answer while it is generated: reasoning, text and calls of tools.
///
/// ```swift
/// var stream = CompletionStream(toolCalls: .dsml, opening: .reasoning)
/// for piece in pieces { handle(stream.push(piece)) }
/// handle(stream.finish())
/// ```
///
/// However the text is cut into pieces, the events together say the same. Text that may be the
/// beginning of a marker is held back until it is known whether it is; it is never shown before
/// and never lost. What is no answer in the format stays text:
///
/// - Reasoning that is never closed stays reasoning, with whatever stands in it.
/// - A call that is malformed (no name, arguments that are no JSON object, a call inside of
///   another) or cut off is abandoned, and all that was written of it becomes content, as does
///   what follows. Calls that ended before it stand.
/// - The token that ends a turn is passed over at the end and is text anywhere else.
///
/// - SeeAlso: ``CompletionParser``, which refuses what this accepts.
public struct CompletionStream: Sendable {
    /// Where the answer begins, which depends on how the prompt ends.
    public enum Opening: Sendable, Hashable {
        /// In the text.
        case content
        /// In reasoning, as after a prompt that ends with `<think>`.
        case reasoning
        /// In reasoning if the first thing the model writes is `<think>`.
        case undecided
    }

    enum State: Sendable, Hashable {
        case undecided, reasoning, content
        /// Behind the token that ends a turn, where nothing is expected.
        case ended(wasReasoning: Bool)
        /// Inside of a block of calls.
        case betweenCalls
        case callKind, callName, callArguments
        case betweenParameters, parameterHead
        case stringValue
        case jsonValue
    }

    /// A call whose name is known.
    struct OpenCall: Sendable {
        let index: Int
        let name: String
        var arguments = DSMLArguments()
    }

    /// Names longer than this are none, so that little is held back.
    static let maximumNameBytes = 1024

    let syntax: CallSyntax
    var state: State
    var input = MarkerBuffer()
    var events: [CompletionEvent] = []
    /// What was read of a block since its begin or its last whole call.
    var raw: [UInt8] = []
    var open: OpenCall?
    var startedCalls = 0
    /// Whether the block has a whole call.
    var hasCalls = false

    /// A reader of an answer.
    ///
    /// - Parameters:
    ///   - markers: The model's tokens that are markers, for answers read token by token: they are
    ///     given to ``push(marker:)`` and what spells them elsewhere is text. Without, markers are
    ///     told by their letters.
    public init(
        toolCalls format: ToolCallFormat = .none, opening: Opening = .undecided,
        markers: MarkerTokens? = nil
    ) {
        syntax = CallSyntax(format, markers)
        state =
            switch opening {
            case .content: .content
            case .reasoning: .reasoning
            case .undecided: .undecided
            }
    }

    /// Takes the next piece of text and gives what it brings.
    public mutating func push(_ text: String) -> [CompletionEvent] {
        push(text, isMarker: false)
    }

    /// Takes the name of a token that is a marker and gives what it brings.
    public mutating func push(marker name: String) -> [CompletionEvent] {
        push(name, isMarker: true)
    }

    /// Whether what comes next is reasoning.
    public var isReasoning: Bool { state == .reasoning }

    /// Whether a token that is a marker means something here; where not, it is a token like any
    /// other, which may be one that is not shown.
    public func expects(marker name: String) -> Bool {
        let isThinking =
            name == ModelMarkers.beginOfThinking || name == ModelMarkers.endOfThinking
        return switch state {
        case .reasoning: name == ModelMarkers.endOfThinking
        case .undecided, .content, .ended:
            name == ModelMarkers.beginOfThinking || name == ModelMarkers.Calls.begin
                || name == ModelMarkers.DSML.token
        default: !isThinking
        }
    }

    private mutating func push(_ text: String, isMarker: Bool) -> [CompletionEvent] {
        input.append(text, isMarker: isMarker)
        while step() {}
        defer { events = [] }
        return events
    }

    /// Gives what was held back, at the end of the answer.
    ///
    /// The stream is then as at the beginning of an answer's content.
    public mutating func finish() -> [CompletionEvent] {
        switch state {
        case .ended: break
        case .reasoning: emit(input.take(input.count), isReasoning: true)
        case .undecided, .content: emit(input.take(input.count))
        case .betweenCalls where hasCalls && input.leadingWhitespace == input.count: break
        default:
            consume(input.count)
            let end = syntax.endOfSequence
            if end.tokenStarts.isEmpty, raw.suffix(end.count).elementsEqual(end.bytes) {
                raw.removeLast(end.count)
            }
            abandonBlock()
        }
        _ = input.take(input.count)
        raw = []
        state = .content
        defer { events = [] }
        return events
    }

    /// The message of a whole answer.
    public static func message(
        of text: String, toolCalls format: ToolCallFormat = .none, opening: Opening = .undecided
    ) -> AssistantMessage {
        var stream = CompletionStream(toolCalls: format, opening: opening)
        var message = AssistantMessage()
        for event in stream.push(text) { message.append(event) }
        for event in stream.finish() { message.append(event) }
        return message
    }

    // MARK: Steps

    /// Reads on; says whether it is worth trying again.
    private mutating func step() -> Bool {
        switch state {
        case .undecided: stepUndecided()
        case .reasoning: stepReasoning()
        case .content: stepContent()
        case .ended(let wasReasoning): stepEnded(wasReasoning)
        case .betweenCalls: stepBetweenCalls()
        case .callKind: stepKind()
        case .callName: stepName()
        case .callArguments: stepArguments()
        case .betweenParameters: stepBetweenParameters()
        case .parameterHead: stepParameterHead()
        case .stringValue: stepStringValue()
        case .jsonValue: stepJSONValue()
        }
    }

    private mutating func stepUndecided() -> Bool {
        guard !input.isEmpty else { return false }
        switch input.begins(with: syntax.beginOfThinking) {
        case .undecided: return false
        case .no: state = .content
        case .yes:
            _ = input.take(syntax.beginOfThinking.count)
            state = .reasoning
        }
        return true
    }

    private mutating func stepReasoning() -> Bool {
        switch input.search(for: syntax.inReasoning) {
        case .missing(let length):
            emit(input.take(length), isReasoning: true)
            return false
        case .found(let marker, let length):
            emit(input.take(length), isReasoning: true)
            _ = input.take(syntax.inReasoning[marker].count)
            state = marker == 0 ? .content : .ended(wasReasoning: true)
            return true
        }
    }

    private mutating func stepContent() -> Bool {
        switch input.search(for: syntax.inContent) {
        case .missing(let length):
            emit(input.take(length))
            return false
        case .found(let marker, let length):
            emit(input.take(length))
            if marker < syntax.otherCount {
                _ = input.take(syntax.inContent[marker].count)
                state = marker == 0 ? .ended(wasReasoning: false) : .reasoning
            } else {
                consume(syntax.inContent[marker].count)
                hasCalls = false
                state = .betweenCalls
            }
            return true
        }
    }

    /// The turn did not end after all.
    private mutating func stepEnded(_ wasReasoning: Bool) -> Bool {
        guard !input.isEmpty else { return false }
        emit(syntax.endOfSequence.bytes[...], isReasoning: wasReasoning)
        state = wasReasoning ? .reasoning : .content
        return true
    }

    private mutating func emit(_ bytes: ArraySlice<UInt8>, isReasoning: Bool = false) {
        guard !bytes.isEmpty else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        events.append(isReasoning ? .reasoning(text) : .content(text))
    }

    // MARK: Calls

    /// Takes markup of a block, which becomes text if the block is none.
    mutating func consume(_ length: Int) {
        raw.append(contentsOf: input.take(length))
    }

    /// Begins a call, now that its name is known.
    mutating func start(_ name: ArraySlice<UInt8>) {
        let name = String(decoding: name, as: UTF8.self)
        open = OpenCall(index: startedCalls, name: name)
        events.append(.toolCallStarted(index: startedCalls, name: name))
        startedCalls += 1
    }

    /// Reports more of the arguments of the open call.
    mutating func report(_ text: String?) {
        guard let open, let text, !text.isEmpty else { return }
        events.append(.toolCallArguments(index: open.index, text: text))
    }

    /// Ends the open call, which is whole.
    mutating func finishCall() {
        guard let call = open else { return }
        events.append(
            .toolCallFinished(
                index: call.index,
                call: ToolCall(name: call.name, arguments: call.arguments.text)))
        open = nil
        raw = []
        hasCalls = true
        state = .betweenCalls
    }

    /// Takes what looked like calls for text.
    mutating func abandonBlock() {
        if let open { events.append(.toolCallAbandoned(index: open.index)) }
        open = nil
        emit(raw[...])
        raw = []
        input.rewind()
        state = .content
    }
}

import FathomText

/// Turns generated tokens into events: whole characters, reasoning and calls of tools apart, stop
/// strings cut off.
///
/// What an answer consists of is read by `CompletionStream`; here its markers are told by their
/// tokens' ids, so that letters which spell one stay text.
struct AnswerAssembler {
    private var detokenizer: StreamingDetokenizer
    private var stream: CompletionStream
    private var stops: StopStrings
    private let markers: MarkerTokens
    private var isStopped = false

    private(set) var reasoningTokens = 0

    init(_ tokenizer: Tokenizer, _ request: GenerationRequest) {
        detokenizer = tokenizer.makeDetokenizer(
            skippingSpecialTokens: !request.showsSpecialTokens)
        stops = StopStrings(request.stopStrings)
        markers = MarkerTokens(tokenizer, toolCalls: request.toolCalls)
        stream = CompletionStream(
            toolCalls: request.toolCalls,
            opening: request.opening ?? markers.opening(after: request.prompt), markers: markers)
    }

    /// Takes a token; gives its events and whether a stop string was met.
    mutating func append(_ token: Int32) -> (events: [GenerationEvent], isStopped: Bool) {
        if stream.isReasoning { reasoningTokens += 1 }
        guard let marker = markers.name(of: token), stream.expects(marker: marker) else {
            return (read(stream.push(detokenizer.append(token))), isStopped)
        }
        return (
            read(stream.push(detokenizer.finish()) + stream.push(marker: marker)), isStopped
        )
    }

    /// What is left at the end of the answer.
    mutating func finish() -> [GenerationEvent] {
        let events = read(stream.push(detokenizer.finish()) + stream.finish())
        return isStopped ? events : events + endText()
    }

    private mutating func read(_ events: [CompletionEvent]) -> [GenerationEvent] {
        var result: [GenerationEvent] = []
        for event in events where !isStopped {
            switch event {
            case .content(let text):
                let shown: String
                (shown, isStopped) = stops.append(text)
                if !shown.isEmpty { result.append(.text(shown)) }
            case .reasoning(let text):
                result += endText() + [.reasoning(text)]
            case .toolCallFinished(_, let call):
                result += endText() + [.toolCall(call)]
            case .toolCallStarted, .toolCallArguments, .toolCallAbandoned: break
            }
        }
        return result
    }

    /// What was held back because a stop string may begin with it, where text does not go on.
    private mutating func endText() -> [GenerationEvent] {
        let rest = stops.finish()
        return rest.isEmpty ? [] : [.text(rest)]
    }
}

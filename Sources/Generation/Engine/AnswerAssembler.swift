import FathomText

/// Turns generated tokens into events: whole characters, reasoning apart, stop strings cut off.
struct AnswerAssembler {
    private var detokenizer: StreamingDetokenizer
    private var stops: StopStrings
    private let marks: ReasoningMarks?
    private var isReasoning: Bool

    private(set) var reasoningTokens = 0

    init(_ tokenizer: Tokenizer, _ request: GenerationRequest, marks: ReasoningMarks?) {
        detokenizer = tokenizer.makeDetokenizer(
            skippingSpecialTokens: !request.showsSpecialTokens)
        stops = StopStrings(request.stopStrings)
        self.marks = marks
        isReasoning = marks?.isOpen(after: request.prompt) ?? false
    }

    /// Takes a token; gives its events and whether a stop string was met.
    mutating func append(_ token: Int32) -> (events: [GenerationEvent], isStopped: Bool) {
        if isReasoning { reasoningTokens += 1 }
        if let marks {
            if token == marks.begin, !isReasoning {
                let rest = flush()
                isReasoning = true
                return (rest, false)
            }
            if token == marks.end, isReasoning {
                let rest = flush()
                isReasoning = false
                return (rest, false)
            }
        }
        return emit(detokenizer.append(token))
    }

    /// What is left at the end of the answer.
    mutating func finish() -> [GenerationEvent] {
        flush()
    }

    private mutating func emit(_ text: String) -> (events: [GenerationEvent], isStopped: Bool) {
        if isReasoning { return (text.isEmpty ? [] : [.reasoning(text)], false) }
        let (shown, isStopped) = stops.append(text)
        return (shown.isEmpty ? [] : [.text(shown)], isStopped)
    }

    private mutating func flush() -> [GenerationEvent] {
        let text = detokenizer.finish()
        if isReasoning { return text.isEmpty ? [] : [.reasoning(text)] }
        let (shown, isStopped) = stops.append(text)
        let rest = isStopped ? shown : shown + stops.finish()
        return rest.isEmpty ? [] : [.text(rest)]
    }
}

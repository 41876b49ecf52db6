/// The markers that mean something in an answer, in UTF-8.
struct CallSyntax: Sendable {
    typealias Marker = MarkerBuffer.Marker

    let format: ToolCallFormat
    let beginOfThinking: Marker
    let endOfSequence: Marker
    /// What ends reasoning: its own marker, then the end of the turn.
    let inReasoning: [Marker]
    /// What ends text: the end of the turn, the begin of reasoning where it is a token, then
    /// whatever begins a block of calls.
    let inContent: [Marker]
    let callBegin: Marker
    let blockEnd: Marker
    /// What ends the arguments of a call, or a call with parameters.
    let callEnd: Marker
    /// What ends a call, whatever should stand before it.
    let bareCallEnd: Marker
    /// What ends the kind of a fenced call, first, and what says that it is none.
    let afterKind: [Marker]
    /// What a name ends with, first, and what says that it is none.
    let afterName: [Marker]
    let parameterBegin: Marker
    let parameterEnd: Marker

    /// How many of `inContent` begin no block.
    let otherCount: Int

    static let beforeName = Marker(bytes: Array(DSMLSyntax.beforeName.utf8))
    /// What follows the key of a parameter with text, and of one with JSON.
    static let afterKey = [
        Marker(bytes: Array(DSMLSyntax.afterStringKey.utf8)),
        Marker(bytes: Array(DSMLSyntax.afterJSONKey.utf8)),
    ]

    init(_ format: ToolCallFormat, _ tokens: MarkerTokens?) {
        typealias Calls = ModelMarkers.Calls
        typealias Markup = ModelMarkers.DSML
        func markers(_ texts: String...) -> [Marker] { texts.map(marker) }
        func marker(_ text: String) -> Marker {
            Marker(bytes: Array(text.utf8), tokenStarts: tokens?.starts(in: text) ?? [])
        }
        self.format = format
        beginOfThinking = marker(ModelMarkers.beginOfThinking)
        endOfSequence = marker(ModelMarkers.endOfSequence)
        inReasoning = [marker(ModelMarkers.endOfThinking), endOfSequence]
        let isThinkingToken = !beginOfThinking.tokenStarts.isEmpty
        let others = [endOfSequence] + (isThinkingToken ? [beginOfThinking] : [])
        otherCount = others.count
        bareCallEnd = marker(Calls.callEnd)
        parameterBegin = marker(Markup.parameterBegin)
        parameterEnd = marker(Markup.parameterEnd)
        let misplaced =
            markers(Calls.begin, Calls.callBegin, Calls.callEnd, Calls.end) + [endOfSequence]
        afterKind = markers(Calls.separator) + misplaced
        switch format {
        case .none:
            (callBegin, blockEnd, callEnd) = (marker(""), marker(""), marker(""))
            afterName = []
            inContent = others
        case .fenced, .inline:
            callBegin = marker(Calls.callBegin)
            blockEnd = marker(Calls.end)
            callEnd = marker((format == .fenced ? "\n```" : "") + Calls.callEnd)
            afterName =
                format == .fenced
                ? markers("\n```json\n", Calls.separator) + misplaced
                : markers(Calls.separator) + misplaced
            inContent = others + markers(Calls.begin)
        case .dsml:
            callBegin = marker(Markup.invokeBegin)
            blockEnd = marker(Markup.end)
            callEnd = marker(Markup.invokeEnd)
            afterName = markers(DSMLSyntax.afterName)
            // The empty line before a block belongs to it; models that leave it out mean the same.
            inContent = others + markers("\n\n" + Markup.begin, Markup.begin)
        }
    }
}

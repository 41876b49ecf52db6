/// The markers of a format for calls, in UTF-8.
struct CallSyntax: Sendable {
    typealias Marker = MarkerBuffer.Marker

    static let beginOfThinking = Marker(ModelMarkers.beginOfThinking.utf8)
    static let endOfSequence = Marker(ModelMarkers.endOfSequence.utf8)
    /// What ends reasoning: its own marker, then the end of the turn.
    static let inReasoning = [Marker(ModelMarkers.endOfThinking.utf8), endOfSequence]

    /// What ends text: the end of the turn, then whatever begins a block of calls.
    let inContent: [Marker]
    let format: ToolCallFormat
    let callBegin: Marker
    let blockEnd: Marker
    /// What ends the arguments of a call, or a call with parameters.
    let callEnd: Marker
    /// What a name ends with, first, and what says that it is none.
    let afterName: [Marker]

    init(_ format: ToolCallFormat) {
        self.format = format
        typealias Calls = ModelMarkers.Calls
        typealias Markup = ModelMarkers.DSML
        func markers(_ texts: String...) -> [Marker] { texts.map { Marker($0.utf8) } }
        let misplaced = markers(
            Calls.begin, Calls.callBegin, Calls.callEnd, Calls.end, ModelMarkers.endOfSequence)
        switch format {
        case .none:
            (callBegin, blockEnd, callEnd) = ([], [], [])
            afterName = []
            inContent = [Self.endOfSequence]
        case .fenced, .inline:
            callBegin = Marker(Calls.callBegin.utf8)
            blockEnd = Marker(Calls.end.utf8)
            callEnd = Marker(((format == .fenced ? "\n```" : "") + Calls.callEnd).utf8)
            afterName =
                format == .fenced
                ? markers("\n```json\n", Calls.separator) + misplaced
                : markers(Calls.separator) + misplaced
            inContent = [Self.endOfSequence, Marker(Calls.begin.utf8)]
        case .dsml:
            callBegin = Marker(Markup.invokeBegin.utf8)
            blockEnd = Marker(Markup.end.utf8)
            callEnd = Marker(Markup.invokeEnd.utf8)
            afterName = markers(DSMLSyntax.afterName)
            // The empty line before a block belongs to it; models that leave it out mean the same.
            inContent = [Self.endOfSequence] + markers("\n\n" + Markup.begin, Markup.begin)
        }
    }

    /// What ends the kind of a fenced call, first, and what says that it is none.
    static let afterKind: [Marker] = [
        ModelMarkers.Calls.separator, ModelMarkers.Calls.begin, ModelMarkers.Calls.callBegin,
        ModelMarkers.Calls.callEnd, ModelMarkers.Calls.end, ModelMarkers.endOfSequence,
    ].map { Marker($0.utf8) }

    static let bareCallEnd = Marker(ModelMarkers.Calls.callEnd.utf8)

    static let parameterBegin = Marker(ModelMarkers.DSML.parameterBegin.utf8)
    static let parameterEnd = Marker(ModelMarkers.DSML.parameterEnd.utf8)
    static let beforeName = Marker(DSMLSyntax.beforeName.utf8)
    /// What follows the key of a parameter with text, and of one with JSON.
    static let afterKey = [
        Marker(DSMLSyntax.afterStringKey.utf8), Marker(DSMLSyntax.afterJSONKey.utf8),
    ]
}

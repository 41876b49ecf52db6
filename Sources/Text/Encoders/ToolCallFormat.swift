/// How a model writes calls of tools into its answer.
public enum ToolCallFormat: Sendable, Hashable, CaseIterable {
    /// Not at all: the answer is text.
    case none
    /// DeepSeek-V2.5, V3, R1 and its students: the kind, the name and a fenced block of JSON,
    /// `<｜tool▁call▁begin｜>function<｜tool▁sep｜>f⏎```json⏎{}⏎```<｜tool▁call▁end｜>`.
    case fenced
    /// DeepSeek-V3.1: the name and the JSON,
    /// `<｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜>`.
    case inline
    /// DeepSeek-V3.2: markup with an element for each parameter.
    case dsml

    /// The format that a chat template writes calls of earlier turns in, which is the one the
    /// model was trained to answer in.
    public init(inTemplate source: String) {
        if source.utf8.contains(ModelMarkers.DSML.token.utf8) {
            self = .dsml
        } else if source.utf8.contains(ModelMarkers.Calls.separator.utf8) {
            self = source.utf8.contains("```json".utf8) ? .fenced : .inline
        } else {
            self = .none
        }
    }
}

/// The markers of DeepSeek's models, as their tokenizers name them.
enum ModelMarkers {
    static let beginOfSequence = "<｜begin▁of▁sentence｜>"
    static let endOfSequence = "<｜end▁of▁sentence｜>"
    static let user = "<｜User｜>"
    static let assistant = "<｜Assistant｜>"
    static let beginOfThinking = "<think>"
    static let endOfThinking = "</think>"

    /// What begins and ends calls of tools in V2.5, V3, R1 and V3.1.
    enum Calls {
        static let begin = "<｜tool▁calls▁begin｜>"
        static let end = "<｜tool▁calls▁end｜>"
        static let callBegin = "<｜tool▁call▁begin｜>"
        static let callEnd = "<｜tool▁call▁end｜>"
        static let separator = "<｜tool▁sep｜>"
    }

    /// The markup in which V3.2 writes calls of tools.
    enum DSML {
        static let token = "｜DSML｜"
        static let begin = "<｜DSML｜function_calls>"
        static let end = "</｜DSML｜function_calls>"
        static let invokeBegin = "<｜DSML｜invoke"
        static let invokeEnd = "</｜DSML｜invoke>"
        static let parameterBegin = "<｜DSML｜parameter"
        static let parameterEnd = "</｜DSML｜parameter>"
    }
}

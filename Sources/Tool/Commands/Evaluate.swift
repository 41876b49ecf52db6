import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomText

struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures how good a model is.", subcommands: [EvaluatePerplexity.self])
}

struct EvaluatePerplexity: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "Measures how well a model predicts a text.",
        discussion: """
            The text is cut into windows; the second half of each counts. Lower is better; figures \
            compare only between models with the same tokenizer, text and window.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Option(help: "UTF-8 text file.")
    var text: String

    @Option(help: "Tokens of a window.")
    var window = 512

    @Option(help: "Windows to read at most; all by default.")
    var windows: Int?

    @Option(help: "f32: weights dequantised to F32, F32 cache.")
    var dtype: Logits.Arithmetic?

    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Write one JSON object.")
    var json = false

    func validate() throws {
        if window < 4 { throw ValidationError("--window is \(window); it must be 4 or more") }
        if let windows, windows < 1 {
            throw ValidationError("--windows is \(windows); it must be 1 or more")
        }
    }

    func run() async throws {
        let path = try await ModelArgument.path(model)
        threads.apply()
        let checkpoint = try Checkpoint.open(path)
        let loaded = try ModelLoader.load(checkpoint, dtype?.options ?? .init())
        let tokenizer = try Tokenizer(checkpoint)
        let tokens = tokenizer.encode(try TextFile.read(text))
        let length = min(window, loaded.model.contextLength)
        let count = min(windows ?? .max, tokens.count / length)
        guard count > 0 else {
            throw ToolError(
                "\(text): \(tokens.count) tokens do not fill a window of \(length); "
                    + "give a longer text or a smaller --window")
        }
        var result = Perplexity()
        for index in 0..<count {
            try result.add(
                Array(tokens[(index * length)..<((index + 1) * length)]), model: loaded.model)
            if StandardError.isTerminal {
                StandardError.write(
                    "\r\u{1B}[K\(index + 1) of \(count) windows, perplexity "
                        + Format.fixed(result.perplexity, 4))
            }
        }
        if StandardError.isTerminal { StandardError.write("\r\u{1B}[K") }
        try checkpoint.source.checkIntact()
        if json {
            let object = JSONObject([
                ("perplexity", .number(result.perplexity)),
                ("counted_tokens", .integer(result.countedTokens)),
                ("windows", .integer(count)), ("window", .integer(length)),
            ])
            StandardOutput.write(JSONValue.object(object).serialized() + "\n")
        } else {
            StandardOutput.write(
                "perplexity \(Format.fixed(result.perplexity, 4)) over \(result.countedTokens) "
                    + "tokens in \(count) windows of \(length)\n")
        }
    }
}

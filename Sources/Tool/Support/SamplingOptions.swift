import ArgumentParser
import FathomGeneration
import FathomText

struct SamplingOptions: ParsableArguments {
    @Option(help: "Randomness: 0 always takes the likeliest token.")
    var temperature: Float?

    @Option(help: "Keep only the k likeliest tokens; 0 keeps all.")
    var topK: Int?

    @Option(help: "Keep the likeliest tokens that reach this probability together.")
    var topP: Float?

    @Option(help: "Keep tokens at least this fraction as likely as the likeliest.")
    var minP: Float?

    @Option(help: "Penalty for tokens that occurred before; 1 is none.")
    var repetitionPenalty: Float?

    @Option(help: "Subtracted from the logit of tokens already generated.")
    var presencePenalty: Float?

    @Option(help: "Subtracted from a token's logit for each time it was generated.")
    var frequencyPenalty: Float?

    @Option(help: "Repeats a run: the same seed gives the same answer.")
    var seed: UInt64?

    @Option(help: "Tokens to generate at most.")
    var maxTokens: Int?

    func validate() throws {
        if let maxTokens, maxTokens < 1 {
            throw ValidationError("--max-tokens is \(maxTokens); it must be 1 or more")
        }
        do {
            try parameters(from: .init()).validate(vocabularySize: .max)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The given values over a model's own.
    func parameters(from standard: SamplingParameters) -> SamplingParameters {
        var parameters = standard
        if let temperature { parameters.temperature = temperature }
        if let topK { parameters.topK = topK }
        if let topP { parameters.topP = topP }
        if let minP { parameters.minP = minP }
        if let repetitionPenalty { parameters.repetitionPenalty = repetitionPenalty }
        if let presencePenalty { parameters.presencePenalty = presencePenalty }
        if let frequencyPenalty { parameters.frequencyPenalty = frequencyPenalty }
        parameters.seed = seed
        return parameters
    }
}

struct LoadOptions: ParsableArguments {
    @Option(help: "Longest sequence in tokens; the model's own by default.")
    var context: Int?

    @Option(help: "A chat template file, in place of the model's.")
    var template: String?

    func validate() throws {
        if let context, context < 1 {
            throw ValidationError("--context is \(context); it must be 1 or more")
        }
    }

    func load(_ model: String, threads: ThreadOptions) async throws -> LanguageModel {
        let path = try await ModelArgument.path(model)
        threads.apply()
        var options = LanguageModel.Options()
        options.contextLength = context
        if let template { options.chatTemplate = try TextFile.read(template) }
        let loaded = try LanguageModel.load(from: path, options)
        for warning in loaded.tokenizer.warnings { StandardError.write("warning: \(warning)\n") }
        return loaded
    }
}

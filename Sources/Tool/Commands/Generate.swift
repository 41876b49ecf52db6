import ArgumentParser
import FathomGeneration
import FathomJSON
import FathomText

struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continues a text.",
        discussion: "Without a prompt, reads it from standard input.")

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Argument(help: "The text to continue.")
    var prompt: String?

    @OptionGroup var sampling: SamplingOptions

    @Option(help: "A text that ends the output; may be repeated.")
    var stop: [String] = []

    @Flag(help: "Recognise special tokens written in the prompt.")
    var special = false

    @Option(help: "With --json: probabilities of this many likeliest tokens at each position.")
    var logprobs: Int?

    @Flag(help: "Write one JSON object when done.")
    var json = false

    @OptionGroup var load: LoadOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if let logprobs, !(0...1000).contains(logprobs) {
            throw ValidationError("--logprobs is \(logprobs); it must be from 0 to 1000")
        }
    }

    func run() async throws {
        let text = try prompt ?? StandardInput.text()
        let loaded = try await load.load(model, threads: threads)
        var tokens = loaded.tokenizer.encode(
            text, specialTokens: special ? .recognised : .asText)
        if loaded.tokenizer.addsBeginOfSequence, let begin = loaded.tokenizer.beginOfSequence {
            tokens.insert(begin, at: 0)
        }
        var request = GenerationRequest(
            prompt: tokens, sampling: sampling.parameters(from: .init()),
            maximumTokens: sampling.maxTokens)
        request.stopStrings = stop
        request.alternatives = json ? logprobs : nil
        var answer = ""
        var reasoning = ""
        var choices: [JSONValue] = []
        for try await event in loaded.generate(request) {
            switch event {
            case .text(let piece):
                if json { answer += piece } else { StandardOutput.write(Terminal.safe(piece)) }
            case .reasoning(let piece):
                if json { reasoning += piece } else { StandardOutput.write(Terminal.safe(piece)) }
            // The request names no format for calls, so that there are none.
            case .toolCall: break
            case .token(let choice):
                choices.append(choice.json(loaded))
            case .finished(let usage):
                guard json else {
                    StandardOutput.write("\n")
                    break
                }
                var object = JSONObject([("text", .string(answer))])
                if !reasoning.isEmpty { object["reasoning"] = .string(reasoning) }
                if logprobs != nil { object["tokens"] = .array(choices) }
                object["usage"] = usage.json
                StandardOutput.write(JSONValue.object(object).serialized() + "\n")
            }
        }
    }
}

extension TokenChoice {
    fileprivate func json(_ model: LanguageModel) -> JSONValue {
        func entry(_ token: Int32, _ logProbability: Float?) -> JSONObject {
            var object = JSONObject([
                ("id", .integer(Int(token))),
                ("token", model.tokenizer.token(token).map(JSONValue.string) ?? .null),
            ])
            if let logProbability { object["logprob"] = .number(Double(logProbability)) }
            return object
        }
        var object = entry(token, logProbability)
        object["top_logprobs"] = .array(
            alternatives.map { .object(entry($0.token, $0.logProbability)) })
        return .object(object)
    }
}

extension Usage {
    /// Counts, reason and speed, as `--json` writes them.
    var json: JSONValue {
        .object(
            JSONObject([
                ("finish_reason", .string(finishReason.rawValue)),
                ("prompt_tokens", .integer(promptTokens)),
                ("cached_prompt_tokens", .integer(cachedPromptTokens)),
                ("completion_tokens", .integer(completionTokens)),
                ("reasoning_tokens", .integer(reasoningTokens)),
                ("prefill_seconds", .number(prefillSeconds)),
                ("decode_seconds", .number(decodeSeconds)),
                ("proposed_tokens", .integer(proposedTokens)),
                ("accepted_tokens", .integer(acceptedTokens)),
            ]))
    }
}

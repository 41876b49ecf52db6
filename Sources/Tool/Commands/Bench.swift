import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures how fast a model reads a prompt and generates.")

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String = ModelArgument.standard

    @Option(help: "Tokens of the prompt; 0 leaves prefill out.")
    var promptTokens = 512

    @Option(help: "Tokens to generate; 0 leaves decoding out.")
    var generateTokens = 128

    @Option(help: "Repetitions; the median is what counts.")
    var repetitions = 5

    @Option(help: "Sequences that decode together.")
    var sequences = 1

    @Option(help: "Tokens already in the cache where decoding starts.")
    var position = 0

    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Write one JSON object.")
    var json = false

    func validate() throws {
        for (name, value, range) in [
            ("--prompt-tokens", promptTokens, 0...1 << 20),
            ("--generate-tokens", generateTokens, 0...1 << 20),
            ("--repetitions", repetitions, 1...1 << 20), ("--sequences", sequences, 1...1024),
            ("--position", position, 0...1 << 20),
        ] where !range.contains(value) {
            throw ValidationError(
                "\(name) is \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() async throws {
        let path = try await ModelArgument.path(model)
        threads.apply()
        let clock = ContinuousClock()
        let start = clock.now
        let loaded = try ModelLoader.load(try Checkpoint.open(path))
        let loadSeconds = (clock.now - start).inSeconds
        let longest = max(promptTokens, position + generateTokens)
        guard longest <= loaded.model.contextLength else {
            throw GenerationError.contextOverflow(
                promptTokens: max(promptTokens, position), maximumTokens: generateTokens,
                contextLength: loaded.model.contextLength)
        }
        var benchmark = ModelBenchmark()
        benchmark.promptTokens = promptTokens
        benchmark.generateTokens = generateTokens
        benchmark.repetitions = repetitions
        benchmark.sequences = sequences
        benchmark.position = position
        let result = try benchmark.run(loaded.model)
        let report = Report(
            prefill: Spread(result.prefillTokensPerSecond),
            decode: Spread(result.decodeTokensPerSecond), loadSeconds: loadSeconds,
            firstTokenSeconds: loadSeconds + result.firstTokenSeconds)
        StandardOutput.write(json ? report.json : report.text)
    }

    /// Median, smallest and largest of some measurements.
    private struct Spread {
        let median, least, most: Double

        init?(_ values: [Double]) {
            let sorted = values.sorted()
            guard let first = sorted.first, let last = sorted.last else { return nil }
            let middle = sorted.count / 2
            median =
                sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
            (least, most) = (first, last)
        }

        var json: JSONValue {
            .object([
                "median": .number(median), "min": .number(least), "max": .number(most),
            ])
        }

        var text: String {
            "\(Format.number(median)) tokens/s (\(Format.number(least)) to \(Format.number(most)))"
        }
    }

    private struct Report {
        let prefill, decode: Spread?
        let loadSeconds, firstTokenSeconds: Double

        var json: String {
            var object = JSONObject()
            if let prefill { object["prefill_tokens_per_second"] = prefill.json }
            if let decode { object["decode_tokens_per_second"] = decode.json }
            object["load_seconds"] = .number(loadSeconds)
            if prefill != nil { object["first_token_seconds"] = .number(firstTokenSeconds) }
            object["peak_memory_bytes"] = .integer(Machine.peakMemoryBytes)
            object["threads"] = .integer(ThreadPool.shared.threadCount)
            object["level"] = .string(InstructionLevel.active)
            return JSONValue.object(object).serialized() + "\n"
        }

        var text: String {
            var lines: [String] = []
            if let prefill { lines.append("prefill      \(prefill.text)") }
            if let decode { lines.append("decode       \(decode.text)") }
            lines.append("load         \(Format.seconds(loadSeconds))")
            if prefill != nil { lines.append("first token  \(Format.seconds(firstTokenSeconds))") }
            lines.append("peak memory  \(Format.bytes(Machine.peakMemoryBytes))")
            lines.append(
                "\(ThreadPool.shared.threadCount) threads, \(InstructionLevel.active)")
            return lines.joined(separator: "\n") + "\n"
        }
    }
}

import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomModels
import FathomTensors

struct Logits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Writes the logits of given tokens.",
        discussion: """
            Reads a safetensors file with `input_ids` (i64, [T] or [B, T]) and, for padded rows, \
            `attention_mask`. Writes `logits` (f32, [..., V]); logits of padding are zeros.
            """,
        shouldDisplay: false)

    enum Arithmetic: String, ExpressibleByArgument, CaseIterable {
        case f32, bf16

        /// F32 activations and cache, and weights of this type.
        var options: ModelOptions {
            var options = ModelOptions.exact
            options.precision = self == .f32 ? .float32 : .bfloat16
            return options
        }
    }

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Option(help: "Safetensors file with the tokens.")
    var input: String

    @Option(help: "Safetensors file to write.")
    var output: String

    @Flag(help: "Also write hidden.embed, hidden.layer.N and hidden.norm.")
    var hiddenStates = false

    @Flag(help: "Also write what routers and indexers chose, where the model has them.")
    var trace = false

    @Flag(help: "Also write the logits of the multi-token-prediction layer, where there is one.")
    var mtp = false

    @Option(help: "Decode this many tokens greedily through the cache: greedy_ids, step_logits.")
    var steps = 0

    @Option(help: "Prefill in pieces of this many tokens.")
    var chunk: Int?

    @Option(help: "f32: weights dequantised to F32, F32 cache. bf16: weights rounded to BF16.")
    var dtype: Arithmetic?

    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if let chunk, chunk < 1 {
            throw ValidationError("--chunk is \(chunk); it must be 1 or more")
        }
        if !(0...1 << 20).contains(steps) {
            throw ValidationError("--steps is \(steps); it must be from 0 to \(1 << 20)")
        }
    }

    func run() throws {
        threads.apply()
        let tokens = try TokenRows(path: input)
        let checkpoint = try Checkpoint.open(try ModelArgument.localPath(model))
        let loaded = try ModelLoader.load(checkpoint, dtype?.options ?? .init())
        if mtp, (loaded.model as? any TokenPredictingModel)?.predictsFurtherTokens != true {
            throw ToolError(
                "\(model): the checkpoint has no multi-token-prediction layer; leave --mtp out")
        }
        try tokens.validate(vocabularySize: loaded.model.vocabularySize)
        var observing: ((String) -> Bool)?
        if hiddenStates || trace { observing = isWanted }
        let evaluation = try SequenceEvaluation(
            loaded.model, tokens.sequences, chunk: chunk, steps: steps,
            observing: observing, predictsFurther: mtp)
        try checkpoint.source.checkIntact()
        var tensors = [("logits", tokens.padded(evaluation.logits))]
        for (name, rows) in evaluation.observations {
            // A router sees tokens, not sequences.
            let isRouted = name.hasPrefix("router.")
            tensors.append((name, isRouted ? tokens.flat(rows) : tokens.padded(rows)))
        }
        if mtp {
            tensors.append(("mtp.logits", tokens.padded(evaluation.furtherLogits, missing: 1)))
        }
        if steps > 0 {
            let leading = tokens.isBatch ? [tokens.sequences.count] : []
            let ids = evaluation.greedyIDs.flatMap { $0.map(Int64.init) }
            tensors.append(("greedy_ids", Tensor(ids, shape: Shape(leading + [steps]))))
            let logits = evaluation.stepLogits.flatMap { $0.flatMap { $0 } }
            tensors.append(
                (
                    "step_logits",
                    Tensor(logits, shape: Shape(leading + [steps, loaded.model.vocabularySize]))
                ))
        }
        try SafetensorsWriter.write(tensors, to: output)
    }

    private func isWanted(_ name: String) -> Bool {
        name.hasPrefix("hidden.") ? hiddenStates : trace
    }
}

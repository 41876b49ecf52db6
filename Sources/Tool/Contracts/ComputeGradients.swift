import ArgumentParser
import FathomCheckpoints
import FathomModels
import FathomTensors

struct ComputeGradients: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gradients",
        abstract: "Writes the loss of given tokens and its gradient for every parameter.",
        discussion: """
            Reads a safetensors file with `input_ids` and, optionally, `labels` aligned with them: \
            position i predicts label i + 1, and -100 does not count. Writes `loss` and \
            `grad.<parameter>` (f32) for every tensor of the checkpoint.
            """,
        shouldDisplay: false)

    @Argument(help: "Folder or .gguf file.")
    var model: String

    @Option(help: "Safetensors file with the tokens.")
    var input: String

    @Option(help: "Safetensors file to write.")
    var output: String

    @Option(help: "Weight of the multi-token-prediction loss, where the model has one.")
    var mtpWeight: Float?

    @Option(help: "Name of a balance loss to write, where the model has it.")
    var balance: [String] = []

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        threads.apply()
        let tokens = try TokenRows(path: input)
        var options = ModelOptions.exact
        options.recordsGradients = true
        let checkpoint = try Checkpoint.open(try ModelArgument.localPath(model))
        let loaded = try ModelLoader.load(checkpoint, options)
        if mtpWeight != nil || !balance.isEmpty {
            throw ToolError(
                "\(model): the architecture '\(loaded.architecture)' has neither a "
                    + "multi-token-prediction nor a balance loss; leave those flags out")
        }
        try tokens.validate(vocabularySize: loaded.model.vocabularySize)
        let loss = try nextTokenLoss(loaded.model, tokens)
        let gradients = Gradients(of: loss)
        var tensors = [("loss", loss.detached())]
        for parameter in loaded.parameters.loaded {
            let gradient = gradients[parameter.tensor] ?? .zeros(parameter.tensor.shape)
            tensors.append(("grad.\(parameter.name)", gradient))
        }
        try checkpoint.source.checkIntact()
        try SafetensorsWriter.write(tensors, to: output)
    }

    private func nextTokenLoss(_ model: any CausalModel, _ tokens: TokenRows) throws -> Tensor {
        var batch = Batch()
        var targets: [Int32] = []
        for (index, sequence) in tokens.sequences.enumerated() {
            batch.append(sequence, cache: nil)
            targets += (tokens.labels?[index] ?? sequence).dropFirst() + [-100]
        }
        for label in targets where label != -100 {
            guard label >= 0, Int(label) < model.vocabularySize else {
                throw ToolError(
                    "label \(label) is neither -100 nor in the vocabulary, whose ids go from 0 "
                        + "to \(model.vocabularySize - 1)")
            }
        }
        return crossEntropy(
            model.logits(model.hiddenStates(batch, observe: nil)), labels: targets)
    }
}

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

    @Flag(
        help: """
            Add the losses of the sparse attention's indexers: loss.indexer (over the keys they \
            chose) and loss.indexer_dense (over all keys); gradients are of the first.
            """)
    var indexer = false

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        threads.apply()
        let tokens = try TokenRows(path: input)
        var options = ModelOptions.exact
        options.recordsGradients = true
        let checkpoint = try Checkpoint.open(try ModelArgument.localPath(model))
        let loaded = try ModelLoader.load(checkpoint, options)
        let balance = try balance.map(balanceLoss)
        try check(loaded, needsExperts: !balance.isEmpty)
        try tokens.validate(vocabularySize: loaded.model.vocabularySize)
        let labels = try checkedLabels(tokens, vocabularySize: loaded.model.vocabularySize)
        let losses = TokenLosses(
            loaded.model, tokens.sequences, labels: labels, predictsFurther: mtpWeight != nil,
            balance: balance, trainsIndexer: indexer)
        var total = losses.main
        var tensors: [(String, Tensor)] = []
        if let mtpWeight, let further = losses.further {
            total = total + further * mtpWeight
            tensors = [("loss.main", losses.main.detached()), ("loss.mtp", further.detached())]
        }
        if indexer {
            guard let chosen = losses.indexer, let all = losses.denseIndexer else {
                throw ToolError("\(model): the checkpoint has no indexer; leave --indexer out")
            }
            if tensors.isEmpty { tensors = [("loss.main", losses.main.detached())] }
            total = total + chosen
            tensors += [
                ("loss.indexer", chosen.detached()), ("loss.indexer_dense", all.detached()),
            ]
        }
        tensors.append(("loss", total.detached()))
        for loss in balance {
            let value = losses.balance[loss] ?? Tensor(0)
            tensors.append(("balance.\(loss.rawValue)", value.detached()))
        }
        let gradients = Gradients(of: total)
        for parameter in loaded.parameters.loaded {
            let gradient = gradients[parameter.tensor] ?? .zeros(parameter.tensor.shape)
            tensors.append(("grad.\(parameter.name)", gradient))
        }
        try checkpoint.source.checkIntact()
        try SafetensorsWriter.write(tensors, to: output)
    }

    private func balanceLoss(_ name: String) throws -> BalanceLoss {
        guard let loss = BalanceLoss(rawValue: name) else {
            throw ToolError(
                "--balance is '\(name)'; expected one of "
                    + BalanceLoss.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return loss
    }

    private func check(_ loaded: LoadedModel, needsExperts: Bool) throws {
        if mtpWeight != nil,
            (loaded.model as? any TokenPredictingModel)?.predictsFurtherTokens != true
        {
            throw ToolError(
                "\(model): the checkpoint has no multi-token-prediction layer; leave --mtp-weight out"
            )
        }
        if needsExperts, !(loaded.model is any ExpertModel) {
            throw ToolError(
                "\(model): the architecture '\(loaded.architecture)' has no experts; leave "
                    + "--balance out")
        }
    }

    /// The labels, or the tokens themselves.
    private func checkedLabels(_ tokens: TokenRows, vocabularySize: Int) throws -> [[Int32]] {
        let labels = tokens.labels ?? tokens.sequences
        for label in labels.joined() where label != -100 {
            guard label >= 0, Int(label) < vocabularySize else {
                throw ToolError(
                    "label \(label) is neither -100 nor in the vocabulary, whose ids go from 0 "
                        + "to \(vocabularySize - 1)")
            }
        }
        return labels
    }
}

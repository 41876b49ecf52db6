import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomModels
import FathomTensors
import FathomText

struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a checkpoint holds and how its model is built.",
        discussion: """
            Also works on a download that is not complete, and on a config.json alone: then what \
            can be counted without weights is shown.
            """)

    @Argument(help: "Folder, .gguf file, config.json or catalogue name.")
    var model: String = ModelArgument.standard

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print the chat template.")
    var template = false

    @Flag(help: "Read every weight and report what is not a number.")
    var verify = false

    @Option(help: ArgumentHelp("Draw the model into this file.", valueName: "file"))
    var svg: String?

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let summary = try CheckpointSummary(InspectedModel(model))
        if template {
            guard let source = summary.tokenizer?.chatTemplate else { throw ChatError.noTemplate }
            StandardOutput.write(source + "\n")
            return
        }
        if let svg {
            guard let architecture = summary.architecture else {
                throw ToolError("\(model): cannot be drawn: \(summary.refusal ?? "")")
            }
            try AtomicFile.write(Array(architecture.svg.utf8), to: svg)
        }
        StandardOutput.write(json ? summary.json + "\n" : summary.text)
        if tensors, !json {
            let rows = summary.tensors.map { info in
                [info.name, info.dtype.name, "\(info.shape)", Format.bytes(info.byteCount)]
            }
            StandardOutput.write("\n" + Table.lines(rows).joined(separator: "\n") + "\n")
        }
        if verify { try verifyWeights(summary) }
    }

    private func verifyWeights(_ summary: CheckpointSummary) throws {
        guard case .checkpoint(let checkpoint) = summary.model else {
            throw ToolError("\(model): has no weights to verify")
        }
        let source = checkpoint.source
        var damaged: [String] = []
        for info in summary.tensors where info.dtype.isReal && info.dtype.canDecode {
            let count = try source.tensor(info.name).nonFiniteCount
            if count > 0 {
                damaged.append("'\(info.name)' has \(count) values that are no numbers")
            }
        }
        try source.checkIntact()
        guard damaged.isEmpty else {
            throw ToolError(
                "\(source is GGUFFile ? "file" : "folder") \(model): "
                    + damaged.joined(separator: "; ") + "; fetch it again")
        }
        StandardOutput.write("verified: every weight is a number\n")
    }
}

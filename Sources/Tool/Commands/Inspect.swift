import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
import FathomText

struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a checkpoint holds.",
        discussion: "Also works on a download that is not complete.")

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String = ModelArgument.standard

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print the chat template.")
    var template = false

    @Flag(help: "Read every weight and report what is not a number.")
    var verify = false

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let path = try ModelArgument.localPath(model)
        let summary = try CheckpointSummary(Checkpoint.open(path, allowsMissingData: true))
        if template {
            guard let source = summary.tokenizer?.chatTemplate else { throw ChatError.noTemplate }
            StandardOutput.write(source + "\n")
            return
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
        let source = summary.checkpoint.source
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

/// What can be said of a checkpoint without reading its weights.
private struct CheckpointSummary {
    let checkpoint: Checkpoint
    let tensors: [TensorInfo]
    let tokenizer: Tokenizer?
    private var facts: [(name: String, value: JSONValue, text: String)] = []

    init(_ checkpoint: Checkpoint) throws {
        self.checkpoint = checkpoint
        let source = checkpoint.source
        tensors = source.names.compactMap { source.info($0) }
        tokenizer = try? Tokenizer(checkpoint)
        add("path", checkpoint.path)
        var configuration: LlamaConfiguration?
        var refusal: String?
        do {
            switch checkpoint {
            case .gguf(let file):
                add("format", "GGUF version \(file.version)")
                add("name", try file.metadata.optionalString("general.name"))
                add("architecture", try file.metadata.optionalString("general.architecture"))
                if !file.isComplete { add("complete", "no: the file ends before its tensors do") }
                configuration = try LlamaConfiguration(file)
            case .folder(let folder):
                add("format", "safetensors folder")
                add("architecture", folder.configuration["model_type"]?.stringValue)
                if !folder.missingShards.isEmpty {
                    add("complete", "no: missing " + folder.missingShards.joined(separator: ", "))
                }
                configuration = try LlamaConfiguration(folder.configuration)
            }
        } catch {
            refusal = "\(error)"
        }
        let parameters = tensors.reduce(0) { $0 + $1.elementCount }
        let bytes = tensors.reduce(0) { $0 + $1.byteCount }
        add("parameters", parameters, Format.parameters(parameters) + " (\(parameters))")
        add(
            "weight_bytes", bytes,
            Format.bytes(bytes)
                + (parameters > 0
                    ? ", \(Format.number(8 * Double(bytes) / Double(parameters))) bits a weight"
                    : ""))
        add("types", types)
        if let configuration { describe(configuration) }
        if let refusal { add("runs", "no: \(refusal)") }
        if let tokenizer {
            add("vocabulary", tokenizer.vocabularySize, "\(tokenizer.vocabularySize) tokens")
            add(
                "chat_template",
                tokenizer.chatTemplate == nil ? "none" : "yes (--template shows it)")
        }
    }

    private mutating func describe(_ configuration: LlamaConfiguration) {
        add(
            "layers", configuration.layerCount,
            "\(configuration.layerCount), hidden size \(configuration.hiddenSize), "
                + "feed-forward \(configuration.intermediateSize)")
        add(
            "heads", configuration.headCount,
            "\(configuration.headCount) query, \(configuration.keyValueHeadCount) key-value, "
                + "\(configuration.headDimension) wide")
        add("context", configuration.contextLength, "\(configuration.contextLength) tokens")
        let perToken =
            4 * configuration.layerCount * configuration.keyValueHeadCount
            * configuration.headDimension
        // What a file claims may be more than 64 bits count.
        let (whole, isBeyond) = perToken.multipliedReportingOverflow(
            by: configuration.contextLength)
        add(
            "cache_bytes_per_token", perToken,
            "\(Format.bytes(perToken)) a token, "
                + "\(Format.bytes(isBeyond ? .max : whole)) for a full context")
    }

    /// How many tensors there are of each type: `Q4_1 210, F32 61`.
    private var types: String {
        var counts: [(type: DType, count: Int)] = []
        for tensor in tensors {
            if let index = counts.firstIndex(where: { $0.type == tensor.dtype }) {
                counts[index].count += 1
            } else {
                counts.append((tensor.dtype, 1))
            }
        }
        return counts.sorted { $0.count > $1.count }.map { "\($0.type.name) \($0.count)" }
            .joined(separator: ", ")
    }

    private mutating func add(_ name: String, _ value: String?) {
        if let value { facts.append((name, .string(value), value)) }
    }

    private mutating func add(_ name: String, _ value: Int, _ text: String) {
        facts.append((name, .integer(value), text))
    }

    var text: String {
        let rows = facts.map { [$0.name.split(separator: "_").joined(separator: " "), $0.text] }
        return Table.lines(rows, indent: "").joined(separator: "\n") + "\n"
    }

    var json: String {
        var object = JSONObject(facts.map { ($0.name, $0.value) })
        object["tensors"] = .array(
            tensors.map { info in
                .object(
                    JSONObject([
                        ("name", .string(info.name)), ("type", .string(info.dtype.name)),
                        ("shape", .array(info.shape.map { .integer($0) })),
                        ("bytes", .integer(info.byteCount)),
                    ]))
            })
        return JSONValue.object(object).serialized()
    }
}

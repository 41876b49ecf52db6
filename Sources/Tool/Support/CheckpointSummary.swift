import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
import FathomText

/// What can be said of a model without reading its weights.
struct CheckpointSummary {
    let model: InspectedModel
    let tensors: [TensorInfo]
    let tokenizer: Tokenizer?
    /// How the model is built, if it is one that can run.
    private(set) var architecture: ArchitectureSummary?
    /// Why it cannot run.
    private(set) var refusal: String?
    private var facts: [(name: String, value: JSONValue, text: String)] = []

    init(_ model: InspectedModel) throws {
        self.model = model
        switch model {
        case .checkpoint(let checkpoint):
            let source = checkpoint.source
            tensors = source.names.compactMap { source.info($0) }
            tokenizer = try? Tokenizer(checkpoint)
        case .configuration:
            tensors = []
            tokenizer = nil
        }
        add("path", model.path)
        do {
            architecture = try describe()
        } catch {
            refusal = "\(error)"
        }
        if !tensors.isEmpty { describeWeights() }
        if let architecture { describe(architecture) }
        if let refusal { add("runs", "no: \(refusal)") }
        if let tokenizer {
            add("vocabulary", tokenizer.vocabularySize, "\(tokenizer.vocabularySize) tokens")
            add(
                "chat_template",
                tokenizer.chatTemplate == nil ? "none" : "yes (--template shows it)")
        }
    }

    private mutating func describe() throws -> ArchitectureSummary {
        switch model {
        case .checkpoint(.gguf(let file)):
            add("format", "GGUF version \(file.version)")
            add("name", try file.metadata.optionalString("general.name"))
            add("architecture", try file.metadata.optionalString("general.architecture"))
            if !file.isComplete { add("complete", "no: the file ends before its tensors do") }
            return try ArchitectureSummary(file)
        case .checkpoint(.folder(let folder)):
            add("format", "safetensors folder")
            add("architecture", folder.configuration["model_type"]?.stringValue)
            if !folder.missingShards.isEmpty {
                add("complete", "no: missing " + folder.missingShards.joined(separator: ", "))
            }
            return try ArchitectureSummary(folder.configuration)
        case .configuration(let object, _):
            add("format", "configuration without weights")
            add("architecture", object["model_type"]?.stringValue)
            return try ArchitectureSummary(object)
        }
    }

    private mutating func describeWeights() {
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
    }

    private mutating func describe(_ architecture: ArchitectureSummary) {
        let cache = architecture.cache
        add("model", architecture.parameters, architecture.parameterText)
        add("layers", architecture.layerCount, "\(architecture.layerCount)")
        add("context", architecture.contextLength, "\(architecture.contextLength) tokens")
        // What a file claims may be more than 64 bits count.
        let (whole, isBeyond) = cache.bytesPerToken.multipliedReportingOverflow(
            by: architecture.contextLength)
        let full = Format.bytes(isBeyond ? .max : whole)
        add("cache_bytes_per_token", cache.bytesPerToken, "\(cache); \(full) for a full context")
        if let claim = cache.claim { add("published", "\(claim)") }
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
        let rows = facts.map { fact in
            // The line of the cache begins with its bytes.
            let name = fact.name == "cache_bytes_per_token" ? "cache" : fact.name
            return [name.split(separator: "_").joined(separator: " "), fact.text]
        }
        let drawing = architecture.map { "\n\($0)\n" } ?? ""
        return Table.lines(rows, indent: "").joined(separator: "\n") + "\n" + drawing
    }

    var json: String {
        var object = JSONObject(facts.map { ($0.name, $0.value) })
        if let architecture {
            object["model"] = .object(architecture.json)
        }
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

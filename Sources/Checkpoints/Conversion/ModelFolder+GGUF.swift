import FathomJSON
import FathomTensors

extension ModelFolder {
    /// Writes the model as a GGUF file, one tensor at a time.
    ///
    /// Names, metadata and the order of query and key rows are those of llama.cpp's converter. The
    /// tokenizer's files go into the metadata; a folder without any gives a file without.
    ///
    /// - Parameters:
    ///   - name: the model's name; nil takes the folder's.
    ///   - pretokenizer: what `tokenizer.ggml.pre` is to say; nil derives it from `tokenizer.json`.
    /// - Throws: `ConversionError` for what cannot be converted, what reading and writing throw,
    ///   and what `progress` throws. Nothing is left behind then.
    public func writeGGUF(
        to path: String, _ policy: QuantizationPolicy = .asStored, name: String? = nil,
        pretokenizer: String? = nil, progress: ConversionProgress.Handler = { _ in }
    ) throws -> ConversionReport {
        let model = try LlamaDescription(self)
        let (tensors, leftOut) = try ggufTensors(model)
        let plan = try ConversionPlan(
            tensors.map(\.info), policy, layerCount: model.layerCount, path: self.path)

        var notes = leftOut.map { "'\($0)' is left out: it follows from the configuration" }
        var metadata = GGUFMetadata(path: path)
        metadata["general.architecture"] = .string(model.architecture)
        metadata["general.type"] = .string("model")
        metadata["general.name"] = .string(name ?? Self.lastPart(of: self.path))
        let parameters = tensors.reduce(0) { $0 + $1.info.elementCount }
        metadata["general.size_label"] = .string(Self.sizeLabel(parameters))
        model.append(to: &metadata)
        if let type = plan.commonType { metadata.describe(QuantizationPolicy(type: type)) }
        metadata.describe(policy)
        if let vocabulary = try GGUFVocabulary(
            files, size: model.vocabularySize, configuration: configuration,
            pretokenizer: pretokenizer)
        {
            vocabulary.append(to: &metadata)
        } else {
            notes.append("there is no tokenizer.json, so the file has no vocabulary")
        }

        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.info.name, $0) })
        let writer = try GGUFWriter(path: path, metadata: metadata, plan.targets)
        try plan.run(path: self.path, progress) { name in
            guard let entry = byName[name] else {
                throw ConversionError.missingTensor(path: self.path, name: name)
            }
            return try entry.read()
        } write: {
            try writer.write($0, as: $1)
        }
        try checkIntact()
        try writer.finish()
        return plan.report(path, notes: notes)
    }

    /// A tensor of the file to be written.
    private struct Entry {
        let info: TensorInfo
        let read: () throws -> Tensor
    }

    /// The tensors under their GGUF names, in the order of the folder, and the names of those that
    /// a GGUF file does not have.
    private func ggufTensors(
        _ model: LlamaDescription
    ) throws -> (tensors: [Entry], leftOut: [String]) {
        guard let table = TensorNames.of(architecture: model.architecture) else {
            throw ConversionError.architecture(path: path, found: model.architecture)
        }
        var tensors: [Entry] = []
        var leftOut: [String] = []
        var unknown: [String] = []
        if let factors = RotaryFactors.tensor(model) {
            let info = TensorInfo(factors, name: RotaryFactors.tensorName)
            tensors.append(Entry(info: info) { factors })
        }
        for name in names {
            if name.hasSuffix(".rotary_emb.inv_freq")
                || name == "lm_head.weight" && model.tiesWordEmbeddings
            {
                leftOut.append(name)
                continue
            }
            guard let ggufName = table.gguf(name), let info = info(name) else {
                unknown.append(name)
                continue
            }
            let headCount = model.headCountOfRotaryRows(in: ggufName)
            let renamed = TensorInfo(
                name: ggufName, dtype: info.dtype, shape: info.shape, byteCount: info.byteCount)
            tensors.append(
                Entry(info: renamed) {
                    let tensor = try self.tensor(name)
                    guard let headCount else { return tensor }
                    return try RotaryRows.interleaved(tensor, headCount: headCount)
                })
        }
        guard unknown.isEmpty else {
            throw ConversionError.unknownTensors(path: path, names: unknown)
        }
        try model.checkTensors(Set(tensors.map(\.info.name)), path: path)
        let rows = info("model.embed_tokens.weight")?.shape.first ?? 0
        guard rows == model.vocabularySize else {
            throw ConversionError.field(
                path: path + "/config.json", name: "vocab_size", found: "\(model.vocabularySize)",
                expected: "\(rows), the rows of 'model.embed_tokens.weight'")
        }
        return (tensors, leftOut)
    }

    private static func lastPart(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? "model"
    }

    /// A number of parameters as llama.cpp abbreviates it: `1.3M`, `70B`.
    static func sizeLabel(_ count: Int) -> String {
        let units = [(1e12, "T"), (1e9, "B"), (1e6, "M")].first { Double(count) >= $0.0 }
        let (unit, letter) = units ?? (1e3, "K")
        let scaled = Double(count) / unit
        if scaled.rounded() >= 10 { return "\(Int(scaled.rounded()))\(letter)" }
        return "\((scaled * 10).rounded() / 10)\(letter)"
    }
}

extension LlamaDescription {
    /// How many heads' rows a tensor has that are permuted between the layouts; nil for others.
    func headCountOfRotaryRows(in ggufName: String) -> Int? {
        guard movesRotaryRows else { return nil }
        let parts = ggufName.split(separator: ".")
        guard parts.count == 4, parts[0] == "blk" else { return nil }
        return switch parts[2] {
        case "attn_q": headCount
        case "attn_k": keyValueHeadCount
        default: nil
        }
    }

    /// Throws unless every matrix and norm of the architecture is there.
    func checkTensors(_ ggufNames: Set<String>, path: String) throws(ConversionError) {
        func require(_ name: String) throws(ConversionError) {
            guard ggufNames.contains(name) else { throw .missingTensor(path: path, name: name) }
        }
        try require("token_embd.weight")
        try require("output_norm.weight")
        if !tiesWordEmbeddings { try require("output.weight") }
        for layer in 0..<layerCount {
            for name in [
                "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate",
                "ffn_up", "ffn_down",
            ] { try require("blk.\(layer).\(name).weight") }
        }
    }
}

extension ConversionPlan {
    /// The format of all matrices, if they have one in common.
    var commonType: DType? {
        let types = Set(targets.filter { $0.shape.count >= 2 }.map(\.dtype))
        return types.count == 1 ? types.first : nil
    }
}

import FathomJSON
public import FathomTensors

extension GGUFFile {
    /// Writes the model as a folder in Hugging Face layout, one tensor at a time.
    ///
    /// The weights are dequantised and the query and key rows brought to Hugging Face's order. The
    /// folder appears under its name when it is complete.
    ///
    /// - Parameter type: `.f32`, `.f16` or `.bf16`.
    /// - Throws: `ConversionError` for what cannot be converted, what reading and writing throw,
    ///   and what `progress` throws. Nothing is left behind then.
    public func writeFolder(
        to path: String, _ type: DType, progress: ConversionProgress.Handler = { _ in }
    ) throws -> ConversionReport {
        guard type.isPlainFloat else { throw ConversionError.unsupportedTarget(type.name) }
        let model = try LlamaDescription(self)
        let (sources, ggufNames) = try huggingFaceTensors(model)
        let targets = try sources.map { info in
            guard let bytes = type.byteCount(elements: info.elementCount) else {
                throw ConversionError.unsupportedTarget(type.name)
            }
            return TensorInfo(name: info.name, dtype: type, shape: info.shape, byteCount: bytes)
        }
        let folder = try AtomicFolder(path: path)
        let writer = try SafetensorsWriter(
            path: folder.temporaryPath + "/model.safetensors", targets,
            metadata: [("format", "pt")])
        for (position, target) in targets.enumerated() {
            try progress(
                ConversionProgress(
                    name: target.name, finishedCount: position, tensorCount: targets.count,
                    from: sources[position].dtype, to: type))
            let ggufName = ggufNames[position]
            var tensor = try tensor(ggufName)
            if let headCount = model.headCountOfRotaryRows(in: ggufName) {
                tensor = try RotaryRows.inHalves(tensor, headCount: headCount)
            }
            try writer.write(
                tensor.checkedConversion(to: type, name: ggufName, path: self.path),
                as: target.name)
        }
        try writer.finish()
        let configuration = model.configuration(
            dtype: type.torchName, hasAttentionBias: info("blk.0.attn_output.bias") != nil,
            hasFeedForwardBias: info("blk.0.ffn_gate.bias") != nil)
        try folder.write(.object(configuration), to: "config.json")
        var notes: [String] = []
        if let tokenizer = try HuggingFaceTokenizer(metadata, vocabularySize: model.vocabularySize)
        {
            try folder.write(tokenizer.tokenizer, to: "tokenizer.json")
            try folder.write(tokenizer.configuration, to: "tokenizer_config.json")
        } else {
            notes.append("the file's vocabulary cannot be written as tokenizer.json")
        }
        try checkIntact()
        try folder.commit()
        return ConversionReport(
            path: path, tensorCount: targets.count,
            byteCount: targets.reduce(0) { $0 + $1.byteCount }, notes: notes)
    }

    /// The tensors under their Hugging Face names, and for each its name in the file.
    private func huggingFaceTensors(
        _ model: LlamaDescription
    ) throws -> (sources: [TensorInfo], ggufNames: [String]) {
        guard let table = TensorNames.of(architecture: model.architecture) else {
            throw ConversionError.architecture(path: path, found: model.architecture)
        }
        try model.checkTensors(Set(names), path: path)
        var sources: [TensorInfo] = []
        var ggufNames: [String] = []
        var unknown: [String] = []
        for ggufName in names where ggufName != RotaryFactors.tensorName {
            guard let name = table.huggingFace(ggufName), let info = info(ggufName) else {
                unknown.append(ggufName)
                continue
            }
            guard info.dtype.canDecode else {
                throw ConversionError.unsupportedType(
                    path: path, tensor: ggufName, type: info.dtype.name)
            }
            sources.append(
                TensorInfo(
                    name: name, dtype: info.dtype, shape: info.shape, byteCount: info.byteCount))
            ggufNames.append(ggufName)
        }
        guard unknown.isEmpty else {
            throw ConversionError.unknownTensors(path: path, names: unknown)
        }
        return (sources, ggufNames)
    }
}

extension DType {
    /// The name of a plain floating-point type in `torch_dtype`.
    fileprivate var torchName: String {
        switch self {
        case .f16: "float16"
        case .bf16: "bfloat16"
        default: "float32"
        }
    }
}

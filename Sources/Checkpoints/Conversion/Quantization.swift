import FathomTensors

extension GGUFFile {
    /// Writes the model anew with its tensors in other number formats, one tensor at a time.
    ///
    /// Metadata stay, but for `general.file_type` and `general.quantization_version`.
    ///
    /// - Throws: `ConversionError` for formats that cannot be converted, what reading and writing
    ///   throw, and what `progress` throws. Nothing is left behind then.
    public func quantize(
        to path: String, _ policy: QuantizationPolicy,
        progress: ConversionProgress.Handler = { _ in }
    ) throws -> ConversionReport {
        let architecture = try metadata.optionalString("general.architecture") ?? ""
        // Only to tell the first and last layers, which a file has names for.
        let layerCount = min(
            max(0, try metadata.optionalInt("\(architecture).block_count") ?? 0), names.count)
        let plan = try ConversionPlan(
            names.map { name in
                guard let info = info(name) else {
                    throw ConversionError.missingTensor(path: self.path, name: name)
                }
                return info
            }, policy, layerCount: layerCount, path: self.path)
        var metadata = metadata
        metadata.describe(policy)
        let writer = try GGUFWriter(path: path, metadata: metadata, plan.targets)
        try plan.run(path: self.path, progress, read: tensor) { try writer.write($0, as: $1) }
        try checkIntact()
        try writer.finish()
        return plan.report(path)
    }
}

extension GGUFMetadata {
    /// Notes what formats the tensors have.
    mutating func describe(_ policy: QuantizationPolicy) {
        guard let type = policy.type else { return }
        self["general.file_type"] = policy.fileType.map { .uint32($0) }
        if type.isBlocked { self["general.quantization_version"] = .uint32(2) }
    }
}

/// The tensors of a file to be written, and the formats they come from.
struct ConversionPlan {
    let sources: [TensorInfo]
    let targets: [TensorInfo]
    private(set) var notes: [String] = []

    /// Chooses formats for tensors under their GGUF names.
    ///
    /// - Throws: `ConversionError` if a format cannot be converted.
    init(
        _ sources: [TensorInfo], _ policy: QuantizationPolicy, layerCount: Int, path: String
    ) throws(ConversionError) {
        let hasOutput = sources.contains { $0.name == "output.weight" }
        self.sources = sources
        var targets: [TensorInfo] = []
        for info in sources {
            let type =
                info.dtype.isReal
                ? policy.type(of: info, layerCount: layerCount, hasOutput: hasOutput) : info.dtype
            if type != info.dtype {
                guard info.dtype.canDecode else {
                    throw .unsupportedType(path: path, tensor: info.name, type: info.dtype.name)
                }
                guard type.canEncode else { throw .unsupportedTarget(type.name) }
            }
            let elements = info.shape.reduce(1, *)
            guard let bytes = type.byteCount(elements: elements) else {
                throw .unsupportedTarget(type.name)
            }
            if let wanted = policy.type, wanted.isBlocked, type != wanted, info.shape.count >= 2,
                (info.shape.last ?? 1) % wanted.blockElements != 0
            {
                notes.append(
                    "'\(info.name)' has rows of \(info.shape.last ?? 1), no multiple of "
                        + "\(wanted.blockElements), and is \(type.name)")
            }
            targets.append(
                TensorInfo(name: info.name, dtype: type, shape: info.shape, byteCount: bytes))
        }
        self.targets = targets
    }

    /// Converts one tensor after the other.
    func run(
        path: String, _ progress: ConversionProgress.Handler, read: (String) throws -> Tensor,
        write: (Tensor, String) throws -> Void
    ) throws {
        for (position, target) in targets.enumerated() {
            try progress(
                ConversionProgress(
                    name: target.name, finishedCount: position, tensorCount: targets.count,
                    from: sources[position].dtype, to: target.dtype))
            let tensor = try read(target.name)
            try write(
                tensor.checkedConversion(to: target.dtype, name: target.name, path: path),
                target.name)
        }
    }

    func report(_ path: String, notes more: [String] = []) -> ConversionReport {
        ConversionReport(
            path: path, tensorCount: targets.count,
            byteCount: targets.reduce(0) { $0 + $1.byteCount }, notes: more + notes)
    }
}

public import FathomCheckpoints
import FathomJSON
public import FathomTensors

/// A model built from a checkpoint, with the parameters it was built from.
public struct LoadedModel: Sendable {
    public let model: any CausalModel

    /// What was loaded, under the checkpoint's names.
    public let parameters: CheckpointParameters

    /// The architecture's name: `llama`, `qwen2`.
    public let architecture: String
}

/// How the weights of a model are held and its numbers computed.
public struct ModelOptions: Sendable, Hashable {
    /// As stored, or dequantised to F32.
    public var precision: CheckpointParameters.Precision = .stored

    /// How keys and values are kept: F16, or F32 for exact work.
    public var cacheType: DType = .f16

    /// Whether parameters are variables, so that gradients are recorded.
    public var recordsGradients = false

    public init() {}

    /// F32 weights, activations and cache: what references are compared with.
    public static var exact: ModelOptions {
        var options = ModelOptions()
        options.precision = .float32
        options.cacheType = .f32
        return options
    }
}

/// The registry of architectures: decodes a checkpoint's configuration and builds its model.
public enum ModelLoader {
    /// The architectures that can be built, as `model_type` names them.
    public static let architectures = LlamaConfiguration.modelTypes

    /// Builds the model of a checkpoint.
    ///
    /// - Throws: `ConfigurationError` for a configuration that is not supported,
    ///   `ParameterError` listing every weight that does not fit it.
    public static func load(_ checkpoint: Checkpoint, _ options: ModelOptions = .init()) throws
        -> LoadedModel
    {
        let configuration: LlamaConfiguration
        let source: any CheckpointSource
        let architecture: String
        let path: String
        switch checkpoint {
        case .gguf(let file):
            architecture = try file.metadata.string("general.architecture")
            try requireKnown(architecture, field: "general.architecture", file: file.path)
            configuration = try LlamaConfiguration(file)
            source = try GGUFNamedSource(file)
            path = file.path
        case .folder(let folder):
            let object = folder.configuration
            architecture = object["model_type"]?.stringValue ?? "llama"
            try requireKnown(architecture, field: "model_type", file: "config.json")
            configuration = try LlamaConfiguration(object)
            source = folder
            path = folder.path
        }
        let parameters = CheckpointParameters(
            source, path: path, precision: options.precision,
            makesVariables: options.recordsGradients,
            ignoring: {
                isComputed($0) || ($0 == "lm_head.weight" && configuration.tiesWordEmbeddings)
            }
        )
        let model = LlamaModel(
            ParameterScope(parameters), configuration, cacheType: options.cacheType)
        try parameters.finish()
        return LoadedModel(model: model, parameters: parameters, architecture: architecture)
    }

    private static func requireKnown(_ architecture: String, field: String, file: String)
        throws(ConfigurationError)
    {
        if architectures.contains(architecture) { return }
        throw ConfigurationError(
            field, found: "'\(architecture)'",
            expected: architectures.map { "'\($0)'" }.joined(separator: " or "), file: file)
    }

    /// Tables that some checkpoints carry and that follow from the configuration.
    private static func isComputed(_ name: String) -> Bool {
        name.hasSuffix("rotary_emb.inv_freq") || name == "rope_freqs.weight"
    }
}

public import FathomCheckpoints
import FathomJSON
public import FathomTensors

/// A model built from a checkpoint, with the parameters it was built from.
public struct LoadedModel: Sendable {
    public let model: any CausalModel

    /// What was loaded, under the checkpoint's names.
    public let parameters: CheckpointParameters

    /// The architecture's name: `llama`, `qwen2`, `deepseek_v3`.
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

    /// How latent attention is computed; gradients take the plain form.
    public var latentForm: LatentAttentionForm = .absorbed

    public init() {}

    /// F32 weights, activations and cache: what references are compared with.
    public static var exact: ModelOptions {
        var options = ModelOptions()
        options.precision = .float32
        options.cacheType = .f32
        return options
    }
}

/// A validated configuration, from which a model is built.
protocol ModelConfiguration: Sendable {
    /// A memory of n-grams, whose tables are read before the model is built.
    var engram: EngramConfiguration? { get }

    func makeModel(
        _ parameters: ParameterScope, _ options: ModelOptions, _ tables: EngramTables?
    ) -> any CausalModel

    /// Whether a tensor of the checkpoint is no parameter: a copy of another or a table that
    /// follows from the configuration.
    func isSurplus(_ name: String) -> Bool
}

extension LlamaConfiguration: ModelConfiguration {
    var engram: EngramConfiguration? { nil }

    func makeModel(
        _ parameters: ParameterScope, _ options: ModelOptions, _ tables: EngramTables?
    ) -> any CausalModel {
        LlamaModel(parameters, self, cacheType: options.cacheType)
    }

    func isSurplus(_ name: String) -> Bool { name == "lm_head.weight" && tiesWordEmbeddings }
}

extension DeepSeekConfiguration: ModelConfiguration {
    func makeModel(
        _ parameters: ParameterScope, _ options: ModelOptions, _ tables: EngramTables?
    ) -> any CausalModel {
        DeepSeekModel(
            parameters, self, cacheType: options.cacheType,
            form: options.recordsGradients ? .plain : options.latentForm, tables: tables)
    }

    func isSurplus(_ name: String) -> Bool {
        if name == "lm_head.weight" && tiesWordEmbeddings { return true }
        // Prediction layers carry copies of the main model's embedding and head.
        return (layerCount..<(layerCount + predictionLayerCount)).contains { layer in
            name.hasPrefix("model.layers.\(layer).embed_tokens.")
                || name.hasPrefix("model.layers.\(layer).shared_head.head.")
        }
    }
}

/// The registry of architectures: decodes a checkpoint's configuration and builds its model.
public enum ModelLoader {
    /// The architectures that can be built, as `model_type` names them.
    public static let architectures =
        LlamaConfiguration.modelTypes + DeepSeekConfiguration.modelTypes

    /// The same, as `general.architecture` of GGUF files names them.
    static let fileArchitectures =
        LlamaConfiguration.architectures + DeepSeekConfiguration.architectures

    /// Builds the model of a checkpoint.
    ///
    /// - Throws: `ConfigurationError` for a configuration that is not supported,
    ///   `ParameterError` listing every weight that does not fit it.
    public static func load(_ checkpoint: Checkpoint, _ options: ModelOptions = .init()) throws
        -> LoadedModel
    {
        let configuration: any ModelConfiguration
        var source: any CheckpointSource
        let architecture: String
        let path: String
        switch checkpoint {
        case .gguf(let file):
            architecture = try file.metadata.string("general.architecture")
            try requireKnown(
                architecture, of: fileArchitectures, field: "general.architecture",
                file: file.path)
            configuration =
                if LlamaConfiguration.architectures.contains(architecture) {
                    try LlamaConfiguration(file)
                } else { try DeepSeekConfiguration(file) }
            source = try GGUFNamedSource(file)
            path = file.path
        case .folder(let folder):
            let object = folder.configuration
            architecture = object["model_type"]?.stringValue ?? "llama"
            try requireKnown(
                architecture, of: architectures, field: "model_type", file: "config.json")
            configuration =
                if LlamaConfiguration.modelTypes.contains(architecture) {
                    try LlamaConfiguration(object)
                } else { try DeepSeekConfiguration(object) }
            source = folder
            path = folder.path
        }
        var tables: EngramTables?
        if let engram = configuration.engram {
            tables = try EngramTables(source, engram, root: "model", path: path)
            source = EngramWeights(source, engram, root: "model")
        }
        let parameters = CheckpointParameters(
            source, path: path, precision: options.precision,
            makesVariables: options.recordsGradients,
            ignoring: { isComputed($0) || configuration.isSurplus($0) }
        )
        let model = configuration.makeModel(ParameterScope(parameters), options, tables)
        try parameters.finish()
        return LoadedModel(model: model, parameters: parameters, architecture: architecture)
    }

    private static func requireKnown(
        _ architecture: String, of known: [String], field: String, file: String
    ) throws(ConfigurationError) {
        if known.contains(architecture) { return }
        throw ConfigurationError(
            field, found: "'\(architecture)'",
            expected: known.map { "'\($0)'" }.joined(separator: " or "), file: file)
    }

    /// Tables that some checkpoints carry and that follow from the configuration.
    private static func isComputed(_ name: String) -> Bool {
        name.hasSuffix("rotary_emb.inv_freq") || name == "rope_freqs.weight"
    }
}

public import FathomCheckpoints
public import FathomJSON

extension ArchitectureSummary {
    /// Summarizes the model of a checkpoint.
    ///
    /// - Throws: as the initializers for its two layouts.
    public init(_ checkpoint: Checkpoint) throws {
        switch checkpoint {
        case .folder(let folder): try self.init(folder.configuration)
        case .gguf(let file): try self.init(file)
        }
    }

    /// Summarizes the model that a `config.json` describes.
    ///
    /// - Throws: `ConfigurationError` naming the field that is missing, impossible or not
    ///   supported.
    public init(_ object: JSONObject) throws(ConfigurationError) {
        let name = object["model_type"]?.stringValue ?? "llama"
        if LlamaConfiguration.modelTypes.contains(name) {
            try self.init(LlamaConfiguration(object), name: name)
            return
        }
        try Self.requireKnown(name, of: ModelLoader.architectures, "model_type", "config.json")
        try self.init(DeepSeekConfiguration(object), name: name)
    }

    /// Summarizes the model of a GGUF file from its metadata.
    ///
    /// - Throws: `GGUFError`, `ParameterError` or `ConfigurationError` naming what is missing,
    ///   impossible or not supported.
    public init(_ file: GGUFFile) throws {
        let name = try file.metadata.string("general.architecture")
        if LlamaConfiguration.architectures.contains(name) {
            try self.init(LlamaConfiguration(file), name: name)
            return
        }
        try Self.requireKnown(
            name, of: ModelLoader.fileArchitectures, "general.architecture", file.path)
        try self.init(DeepSeekConfiguration(file), name: name)
    }

    private static func requireKnown(
        _ name: String, of known: [String], _ field: String, _ file: String
    ) throws(ConfigurationError) {
        guard !known.contains(name) else { return }
        throw ConfigurationError(
            field, found: "'\(name)'",
            expected: known.map { "'\($0)'" }.joined(separator: " or "), file: file)
    }
}

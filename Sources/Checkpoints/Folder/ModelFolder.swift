public import FathomJSON
public import FathomTensors

/// A model in Hugging Face layout: configuration, tokenizer files and safetensors weights.
///
/// The weights are one file, `model.safetensors`, or several with an index. They are mapped; their
/// headers are read and compared with the index at once.
public struct ModelFolder: CheckpointSource {
    /// The folder's files, for those that are not weights.
    public let files: FolderFiles
    /// The content of `config.json`.
    public let configuration: JSONObject
    /// The content of `generation_config.json`, if there is one.
    public let generationConfiguration: JSONObject?
    /// The names of weight files that are not there, or not there in full.
    public let missingShards: [String]

    private let index: NameIndex
    /// For each weight the file it is in, as a position in `shards`.
    private let shardOfWeight: [Int]
    private let shards: [SafetensorsFile?]

    /// Opens a folder.
    ///
    /// - Parameter allowsMissingShards: opens a folder that is still being fetched, to look at what
    ///   is there; `missingShards` says what is not.
    /// - Throws: `ModelFolderError`, `SafetensorsError` or `FileError`, and
    ///   `CheckpointError.pickle` where the only weights are pickles.
    public init(path: String, allowsMissingShards: Bool = false) throws {
        files = try FolderFiles(path: path)
        let weights = try ShardSet(files, allowsMissing: allowsMissingShards)
        guard let configuration = try files.object(of: "config.json") else {
            throw ModelFolderError(path, .missingFile("config.json"))
        }
        self.configuration = configuration
        generationConfiguration = try files.object(of: "generation_config.json")
        missingShards = weights.missing
        index = weights.index
        shardOfWeight = weights.shardOfWeight
        shards = weights.shards
    }

    public var path: String { files.path }

    public var names: [String] { index.names }

    public func info(_ name: String) -> TensorInfo? {
        guard let position = index.position(of: name) else { return nil }
        return shards[shardOfWeight[position]]?.info(name)
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let position = index.position(of: name) else {
            throw CheckpointError.noTensor(name: name, path: path, tensorCount: names.count)
        }
        guard let shard = shards[shardOfWeight[position]] else {
            throw CheckpointError.tensorNotDownloaded(name: name, path: path)
        }
        return try shard.tensor(name)
    }

    public func checkIntact() throws {
        for shard in shards { try shard?.checkIntact() }
    }
}

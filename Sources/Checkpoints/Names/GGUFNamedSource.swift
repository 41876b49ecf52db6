public import FathomTensors

/// The tensors of a GGUF file under their Hugging Face names.
///
/// Only the names change. In files of the architecture `llama` the rows of the query and key
/// projections stay as they are stored, permuted for rotary pairs that stand side by side; see
/// `RotaryRows`. Tensors that the table does not have keep their GGUF names.
public struct GGUFNamedSource: CheckpointSource {
    public let file: GGUFFile
    public let names: [String]
    private let index: NameIndex

    /// - Throws: `GGUFError` if the file does not say its architecture or has two tensors of one
    ///   name; `NamingError` if there is no table for the architecture.
    public init(_ file: GGUFFile) throws {
        let architecture = try file.metadata.string("general.architecture")
        guard let table = TensorNames.of(architecture: architecture) else {
            throw NamingError(path: file.path, architecture: architecture)
        }
        var index = NameIndex()
        for ggufName in file.names {
            let name = table.huggingFace(ggufName) ?? ggufName
            guard index.insert(name) else { throw GGUFError(file.path, .duplicateTensor(name)) }
        }
        self.file = file
        self.index = index
        names = index.names
    }

    public func info(_ name: String) -> TensorInfo? {
        ggufName(name).flatMap(file.info).map {
            TensorInfo(name: name, dtype: $0.dtype, shape: $0.shape, byteCount: $0.byteCount)
        }
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let ggufName = ggufName(name) else {
            throw CheckpointError.noTensor(name: name, path: file.path, tensorCount: names.count)
        }
        return try file.tensor(ggufName)
    }

    public func checkIntact() throws {
        try file.checkIntact()
    }

    /// The name in the file: the two lists have the same order.
    private func ggufName(_ name: String) -> String? {
        index.position(of: name).map { file.names[$0] }
    }
}

/// An architecture whose tensor names are not known.
public struct NamingError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    public let architecture: String

    public init(path: String, architecture: String) {
        self.path = path
        self.architecture = architecture
    }

    public var description: String {
        "\(path): the architecture '\(architecture)' is not supported; expected 'llama' or 'qwen2'"
    }
}

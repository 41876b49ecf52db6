public import FathomTensors

/// A GGUF file of version 2 or 3, mapped: the header is read and checked at once, tensors when
/// asked for.
///
/// ```swift
/// let file = try GGUFFile(path: "model.gguf")
/// try file.metadata.string("general.architecture")    // "llama"
/// try file.tensor("blk.0.attn_q.weight").shape        // [rows, columns]
/// ```
///
/// Shapes are row-major, outermost dimension first: the reverse of the order in the file.
public struct GGUFFile: CheckpointSource {
    private let file: OpenFile
    private let header: GGUFHeader

    /// Maps a file and reads its header.
    ///
    /// - Parameter allowsMissingData: opens a file that ends before its tensors do, such as a
    ///   download under way, to look at what it says; tensors beyond the end throw.
    /// - Throws: `FileError` if it cannot be opened, `GGUFError` if it is not as the format wants.
    public init(
        path: String, allowsMissingData: Bool = false, limits: GGUFLimits = .default
    ) throws {
        file = try OpenFile(path: path)
        do {
            header = try GGUFHeader(file: file.mapped, limits: limits)
        } catch {
            throw GGUFError(path, error)
        }
        // A file that shrank while its header was read gave zeros in its place.
        try file.checkIntact()
        if !allowsMissingData, let missing = header.firstMissing {
            throw GGUFError(
                path,
                .dataCutShort(
                    tensor: missing.name, neededBytes: missing.end,
                    foundBytes: file.mapped.byteCount))
        }
    }

    public var path: String { file.path }

    /// The version of the format: 2 or 3.
    public var version: Int { Int(header.version) }

    /// Whether every tensor lies within the file.
    public var isComplete: Bool { header.firstMissing == nil }

    /// What tensor data is aligned to in the file, in bytes.
    public var alignment: Int { header.alignment }

    /// The bytes of the whole file.
    public var fileByteCount: Int { file.mapped.byteCount }

    public var metadata: GGUFMetadata { header.metadata }

    public var names: [String] { header.index.names }

    public func info(_ name: String) -> TensorInfo? {
        header.index.position(of: name).map { position in
            let entry = header.entries[position]
            return TensorInfo(
                name: header.index.names[position], dtype: entry.dtype, shape: entry.shape,
                byteCount: entry.byteCount)
        }
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let position = header.index.position(of: name), let info = info(name) else {
            throw CheckpointError.noTensor(name: name, path: path, tensorCount: names.count)
        }
        return try file.tensor(info, at: header.entries[position].offset)
    }

    public func checkIntact() throws {
        try file.checkIntact()
    }
}

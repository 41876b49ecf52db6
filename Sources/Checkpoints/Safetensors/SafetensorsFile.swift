public import FathomTensors

/// A safetensors file, mapped: the header is read and checked at once, tensors when asked for.
///
/// ```swift
/// let file = try SafetensorsFile(path: "model.safetensors")
/// let weight = try file.tensor("lm_head.weight")   // a view, nothing copied
/// ```
///
/// The rules of the reference implementation hold, and some stricter ones: no duplicate or
/// unknown keys, no bytes that belong to no tensor, limits on counts.
public struct SafetensorsFile: CheckpointSource {
    private let file: OpenFile
    private let header: SafetensorsHeader

    /// Maps a file and reads its header.
    ///
    /// - Throws: `FileError` if it cannot be opened, `SafetensorsError` if it breaks a rule.
    public init(path: String, limits: SafetensorsLimits = .default) throws {
        file = try OpenFile(path: path)
        do {
            header = try file.mapped.withBytes { bytes throws(SafetensorsError.Reason) in
                try SafetensorsHeader(
                    file: bytes.assumingMemoryBound(to: UInt8.self), limits: limits)
            }
        } catch {
            throw SafetensorsError(path, error)
        }
        // A file that shrank while its header was read gave zeros in its place.
        try file.checkIntact()
    }

    public var path: String { file.path }

    /// The bytes of the whole file.
    public var fileByteCount: Int { file.mapped.byteCount }

    /// The names of all tensors, in the order of their data in the file.
    public var names: [String] { header.index.names }

    /// The pairs of `__metadata__`, in the order of the file.
    public var metadata: [(key: String, value: String)] { header.metadata }

    public func info(_ name: String) -> TensorInfo? {
        header.index.position(of: name).map(info(at:))
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let position = header.index.position(of: name) else {
            throw CheckpointError.noTensor(name: name, path: path, tensorCount: names.count)
        }
        return try file.tensor(info(at: position), at: header.entries[position].begin)
    }

    public func checkIntact() throws {
        try file.checkIntact()
    }

    private func info(at position: Int) -> TensorInfo {
        let entry = header.entries[position]
        return TensorInfo(
            name: header.index.names[position], dtype: entry.dtype,
            shape: Array(header.sizes[entry.firstSize..<entry.firstSize + entry.rank]),
            byteCount: entry.end - entry.begin)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A model on disk, in either of the two layouts.
public enum Checkpoint: Sendable {
    /// A folder in Hugging Face layout.
    case folder(ModelFolder)
    /// A GGUF file.
    case gguf(GGUFFile)

    /// Opens what a path leads to.
    ///
    /// - Parameter allowsMissingData: opens what is still being fetched, to look at it.
    /// - Throws: `CheckpointError` if the path leads to neither; what the two layouts throw.
    public static func open(
        _ path: String, allowsMissingData: Bool = false
    ) throws -> Checkpoint {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CheckpointError.notACheckpoint(path: path, found: SystemError.text(errno))
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            return .folder(try ModelFolder(path: path, allowsMissingShards: allowsMissingData))
        case S_IFREG:
            break
        default:
            throw CheckpointError.notACheckpoint(path: path, found: "neither file nor folder")
        }
        let start = try firstBytes(path, count: 9)
        if start.starts(with: "GGUF".utf8) || path.hasSuffix(".gguf") {
            let file = try GGUFFile(path: path, allowsMissingData: allowsMissingData)
            try file.refuseSplit()
            return .gguf(file)
        }
        // A zip archive, as PyTorch has written since 1.6, or a bare pickle of protocol 2 or later.
        if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) || start.starts(with: [0x80, 0x02])
            || [".bin", ".pt", ".pth", ".ckpt", ".pkl"].contains(where: { path.hasSuffix($0) })
        {
            throw CheckpointError.pickle(path: path)
        }
        if path.hasSuffix(".safetensors") {
            throw CheckpointError.notACheckpoint(
                path: path, found: "a file of weights without its configuration")
        }
        throw CheckpointError.notACheckpoint(path: path, found: "a file of unknown format")
    }

    /// The tensors, under the names of the layout.
    public var source: any CheckpointSource {
        switch self {
        case .folder(let folder): folder
        case .gguf(let file): file
        }
    }

    public var path: String {
        switch self {
        case .folder(let folder): folder.path
        case .gguf(let file): file.path
        }
    }

    private static func firstBytes(_ path: String, count: Int) throws -> [UInt8] {
        let file = openForReading(path)
        guard file >= 0 else {
            throw CheckpointError.notACheckpoint(path: path, found: SystemError.text(errno))
        }
        defer { close(file) }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, read(file, buffer.baseAddress, count))
        }
    }
}

extension GGUFFile {
    /// Throws if the file is one of several that make up a model (llama.cpp, gguf-split).
    func refuseSplit() throws {
        let count = try metadata.optionalInt("split.count") ?? 1
        guard count > 1 else { return }
        let part = (try metadata.optionalInt("split.no") ?? 0) &+ 1
        throw GGUFError(path, .split(part: part, count: count))
    }
}

/// Outside the type, whose own `open` would hide the system's.
private func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

/// Why a checkpoint as a whole, or one tensor of it, cannot be used.
///
/// Defects of one file format have types of their own: `SafetensorsError`, `GGUFError`,
/// `ModelFolderError`.
public enum CheckpointError: Error, Sendable, Hashable {
    /// No tensor has this name.
    case noTensor(name: String, path: String, tensorCount: Int)
    /// The tensor has more dimensions than computation supports.
    case rankTooHigh(name: String, path: String, shape: [Int])
    /// The tensor lies beyond the end of an incomplete file.
    case tensorNotDownloaded(name: String, path: String)
    /// The file is a pickle, which can run any program when loaded.
    case pickle(path: String)
    /// The path leads to no checkpoint.
    case notACheckpoint(path: String, found: String)
    /// The file was cut short or written to after it was opened.
    case changedWhileOpen(path: String)
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTensor(let name, let path, let count):
            "\(path): there is no tensor '\(name)' among its \(count)"
        case .rankTooHigh(let name, let path, let shape):
            "\(path): '\(name)' has shape \(shape); at most 4 dimensions can be computed with"
        case .tensorNotDownloaded(let name, let path):
            "\(path): '\(name)' lies beyond the end of the file; fetch the rest of it first"
        case .pickle(let path):
            "\(path): this is a pickle, and pickle is never loaded, since it can run any program; "
                + "use the safetensors or GGUF form of the model"
        case .notACheckpoint(let path, let found):
            "\(path): found \(found); expected a folder with config.json and model.safetensors, "
                + "or a .gguf file"
        case .changedWhileOpen(let path):
            "\(path): the file was changed while it was in use; load the model again"
        }
    }
}

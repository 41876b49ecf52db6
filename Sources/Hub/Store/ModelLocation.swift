/// A model that is on this machine.
public struct ModelLocation: Sendable, Hashable {
    /// The folder in Hugging Face layout or the GGUF file.
    public let path: String
    public let format: ModelFormat
    /// Where it came from, in words.
    public let source: String
}

/// One line of the list of models that are on this machine.
public struct InstalledModel: Sendable, Hashable {
    /// The name that finds it again.
    public let name: String
    public let path: String
    public let format: ModelFormat
    public let bytes: Int64
    /// Where it came from, in words.
    public let source: String
    /// When its pull finished, in seconds since 1970.
    public let pulledAt: Int64
}

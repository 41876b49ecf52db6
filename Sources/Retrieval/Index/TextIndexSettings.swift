/// How an index of texts is made.
public struct TextIndexSettings: Sendable, Hashable {
    /// The embedder as the index shall name it.
    public var model: String
    /// The index of vectors, by Faiss's words; those of inner products, as all vectors have length 1.
    public var factory = "Flat"
    /// The most tokens of a passage; nil for what the embedder takes.
    public var passageTokens: Int?
    /// The most tokens that a passage repeats of the one before.
    public var overlapTokens = 32

    public init(model: String) {
        self.model = model
    }
}

/// How far the making of an index is.
public struct TextIndexProgress: Sendable, Hashable {
    /// Files looked at, of `fileCount`.
    public var completedFiles: Int
    public var fileCount: Int
    /// Passages that had to be embedded, and those of them that are.
    public var newPassages: Int
    public var embeddedPassages: Int
}

/// What the making of an index found and did.
public struct TextIndexReport: Sendable, Hashable {
    public var fileCount = 0
    public var passageCount = 0
    public var addedFiles = 0
    public var changedFiles = 0
    public var removedFiles = 0
    public var embeddedPassages = 0
    /// Files that were passed over, by reason.
    public var skippedFiles: [String: Int] = [:]
    /// Why everything was made anew although there was an index; nil where it was not.
    public var rebuildReason: String?
    /// Whether the index was as it should be, so that nothing was written.
    public var isUnchanged = false
}

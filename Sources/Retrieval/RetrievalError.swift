/// Why texts cannot be embedded, indexed or searched.
public enum RetrievalError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A path that leads to no folder of documents or no index.
    case notAFolder(path: String)
    case noIndex(path: String)
    /// A folder that holds something else, into which no index is written.
    case notAnIndexFolder(path: String)
    /// Files of an index that do not fit together, or hold what none of ours would.
    case damaged(path: String, reason: String)
    /// A tokenizer with more tokens than the model has embeddings for.
    case tokenizerTooLarge(tokens: Int, embeddings: Int, path: String)
    /// A way of pooling other than the mean of all tokens.
    case unsupportedPooling(path: String, found: String)
    /// A field of a file beside the model that has an impossible value.
    case badField(path: String, field: String, found: String, expected: String)
    /// An embedder whose vectors differ from those of the index.
    case otherModel(index: String, reason: String)
    /// Numbers that are no numbers, from damaged weights.
    case notANumber(path: String)
    /// The work was asked to stop; what was there before is there still.
    case cancelled
    /// A refusal of the system.
    case system(path: String, action: String, code: Int32, text: String)

    public var description: String {
        switch self {
        case .notAFolder(let path): "\(path): is not a folder"
        case .noIndex(let path):
            "\(path): holds no index of texts; `fathom index text FOLDER --output \(path)` makes one"
        case .notAnIndexFolder(let path):
            "\(path): holds other files but no index of texts; give a new or an empty folder"
        case .damaged(let path, let reason):
            "\(path): \(reason); remove the index and make it anew"
        case .tokenizerTooLarge(let tokens, let embeddings, let path):
            "\(path): the tokenizer has \(tokens) tokens, the model \(embeddings) embeddings"
        case .unsupportedPooling(let path, let found):
            "\(path): pools by \(found); the mean of all tokens is what is supported"
        case .badField(let path, let field, let found, let expected):
            "\(path): '\(field)' is \(found); expected \(expected)"
        case .otherModel(let index, let reason):
            "\(index): \(reason)"
        case .notANumber(let path):
            "\(path): gives embeddings that are no numbers; the weights are damaged"
        case .cancelled: "stopped; nothing was changed"
        case .system(let path, let action, _, let text): "\(path): could not \(action) (\(text))"
        }
    }
}

/// Why a search or another use of an index was refused.
public enum VectorSearchError: Error, Sendable, Hashable, CustomStringConvertible {
    case wrongDimension(found: Int, expected: Int)
    case raggedRows(values: Int, dimension: Int)
    case notTrained
    case negativeK(Int)
    case tooManyResults(k: Int, queries: Int, limit: Int)
    case parameterDoesNotApply(String, accepted: [String])
    case badParameter(String, found: String, expected: String)
    case noSuchID(Int64)
    case unsupported(String, by: String)
    /// A search was told to stop; see `SearchLimit`.
    case cancelled
    /// A search took longer than it may; see `SearchLimit`.
    case timeIsUp(after: Duration)

    public var description: String {
        switch self {
        case .wrongDimension(let found, let expected):
            "the queries have \(found) components; the index holds vectors of \(expected): make "
                + "both with the same model"
        case .raggedRows(let values, let dimension):
            "\(values) values are no whole number of rows of \(dimension); give all of each row"
        case .notTrained:
            "the index is not trained; train it before it is searched"
        case .negativeK(let k):
            "k is \(k); it must be at least 0"
        case .tooManyResults(let k, let queries, let limit):
            "\(k) results for each of \(queries) queries are more than the \(limit) allowed at "
                + "once; ask in parts"
        case .parameterDoesNotApply(let name, let accepted):
            accepted.isEmpty
                ? "the search parameter '\(name)' does not apply; this index takes none"
                : "the search parameter '\(name)' does not apply; this index takes "
                    + accepted.joined(separator: ", ")
        case .badParameter(let name, let found, let expected):
            "the search parameter '\(name)' is \(found); it must be \(expected)"
        case .noSuchID(let id):
            "the index has no vector \(id)"
        case .unsupported(let what, let type):
            "\(type) has no \(what)"
        case .cancelled:
            "the search was cancelled before it was done"
        case .timeIsUp(let duration):
            "the search was given up after \(duration); allow more time, or look at less of the index"
        }
    }
}

/// Why a factory string was refused, and where.
public struct FactoryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong at a place.
    public enum Reason: Sendable, Hashable {
        /// Nothing that may stand here.
        case unexpected(String, expected: String)
        /// A type of Faiss that is read and searched, or not known, but not built.
        case notBuilt(String)
        /// A number that does not fit.
        case invalid(String)
        case unbalancedParenthesis
        case tooLong(limit: Int)
        case nestedTooDeeply(limit: Int)
    }

    public let string: String
    /// Bytes before the place.
    public let offset: Int
    public let reason: Reason

    public var description: String {
        let place = "factory string '\(string.prefix(200))', character \(offset + 1): "
        switch reason {
        case .unexpected(let found, let expected):
            return place + (found.isEmpty ? "it ends here" : "'\(found.prefix(60))' is unknown")
                + "; expected \(expected)"
        case .notBuilt(let name):
            return place + "indexes of type '\(name.prefix(60))' are not built here; "
                + "Flat, SQ, PQ, RQ, LSQ, LSH, RaBitQ, HNSW, NSG and IVF are"
        case .invalid(let message):
            return place + message
        case .unbalancedParenthesis:
            return place + "this parenthesis has no partner; add one or take it out"
        case .tooLong(let limit):
            return "the factory string is longer than \(limit) bytes; shorten it"
        case .nestedTooDeeply(let limit):
            return place + "more than \(limit) levels of nesting; use fewer"
        }
    }
}

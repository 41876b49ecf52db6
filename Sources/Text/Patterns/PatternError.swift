/// Why a regular expression of a tokenizer file is not understood, and where in it.
public struct PatternError: Error, Sendable, Hashable {
    /// The whole expression.
    public let pattern: String
    /// Characters before the place.
    public let offset: Int
    /// What stands there, and what is supported.
    public let detail: String
}

extension PatternError: CustomStringConvertible {
    public var description: String {
        "the pattern '\(pattern.excerpt)', character \(offset): \(detail)"
    }
}

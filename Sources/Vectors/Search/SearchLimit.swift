/// When a search is to be given up.
///
/// It is looked at between queries, between inverted lists and after every so many codes of a flat
/// index. A search that was given up throws `VectorSearchError.cancelled` or `.timeIsUp`: there are
/// no partial results.
///
/// ```swift
/// parameters.limit = SearchLimit(.seconds(2))
/// ```
public struct SearchLimit: Sendable {
    /// Queries after which it is looked at.
    static let queriesAtOnce = 64
    /// Codes of a flat index after which it is looked at.
    static let codesAtOnce = 1 << 16

    private let deadline: ContinuousClock.Instant?
    private let duration: Duration?
    private let isCancelled: (@Sendable () -> Bool)?

    /// - Parameters:
    ///   - duration: how long from now a search may take; nil for as long as it takes.
    ///   - isCancelled: asked from the threads of a search whether to stop.
    public init(_ duration: Duration? = nil, isCancelled: (@Sendable () -> Bool)? = nil) {
        self.duration = duration
        deadline = duration.map { ContinuousClock.now.advanced(by: $0) }
        self.isCancelled = isCancelled
    }

    /// Throws if the search is to be given up.
    func check() throws(VectorSearchError) {
        if let isCancelled, isCancelled() { throw .cancelled }
        if let deadline, let duration, ContinuousClock.now >= deadline {
            throw .timeIsUp(after: duration)
        }
    }
}

/// All rows of a collection at one time. It never changes; a new one takes its place.
struct CollectionState: Sendable {
    /// The last operation that is in it.
    var sequence: UInt64
    var sealed: [SegmentView]
    /// Rows that were not sealed yet; the last head is the one that grows.
    var heads: [HeadView]

    var parts: [any CollectionPart] { sealed + heads }

    var count: Int { parts.reduce(0) { $0 + $1.liveCount } }
}

/// Holds the state that readers take.
final class StateBox: @unchecked Sendable {
    private let monitor = Monitor()
    private var held: CollectionState

    init(_ state: CollectionState) { held = state }

    /// The lock is held for the time of a copy of a few references, by readers and the writer alike.
    var state: CollectionState {
        get { monitor.withLock { held } }
        set {
            // What goes away with the old state goes after the lock was given back.
            var other = newValue
            monitor.withLock { swap(&held, &other) }
        }
    }
}

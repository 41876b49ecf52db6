/// All rows of a collection at one time. It never changes; a new one takes its place.
///
/// Nor do its arrays ever change, not even after the last reader let go of them: what comes after
/// is made of new ones (see `LiveRows`).
struct CollectionState: Sendable {
    /// The last operation that is in it.
    let sequence: UInt64
    let sealed: [SegmentView]
    /// Rows that were not sealed yet; the last head is the one that grows.
    let heads: [HeadView]

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

/// Lets threads write one after the other, and several at the cost of one.
///
/// Requests that come while another is on its way to disk wait together; one of their threads then
/// leads them all. Whoever leads has the writer's state to itself.
final class CommitQueue: @unchecked Sendable {
    /// One operation on its way.
    final class Request: @unchecked Sendable {
        let operation: Operation
        let payload: [UInt8]
        /// Written by the leader, read when `isDone`.
        fileprivate(set) var outcome: Result<CommitOutcome, CollectionError>?
        fileprivate var isDone = false

        init(_ operation: Operation, _ payload: [UInt8]) {
            self.operation = operation
            self.payload = payload
        }
    }

    private let monitor = Monitor()
    private var waiting: [Request] = []
    private var isLed = false

    /// Bytes that go to the log at once, unless one request alone is longer.
    private static let groupBytes = 1 << 24

    /// Has a request written, by this thread or another, and gives its outcome.
    ///
    /// - Parameter lead: writes some requests and gives an outcome for each.
    func commit(
        _ request: Request, _ lead: ([Request]) -> [Result<CommitOutcome, CollectionError>]
    ) throws(CollectionError) -> CommitOutcome {
        monitor.withLock { waiting.append(request) }
        while true {
            let group: [Request]? = monitor.withLock {
                while isLed && !request.isDone { monitor.wait() }
                guard !request.isDone else { return nil }
                isLed = true
                return takeGroup()
            }
            guard let group else { break }
            let outcomes = lead(group)
            monitor.withLock {
                for (member, outcome) in zip(group, outcomes) {
                    member.outcome = outcome
                    member.isDone = true
                }
                isLed = false
                monitor.broadcast()
            }
        }
        guard let outcome = request.outcome else {
            preconditionFailure("a request is done without an outcome")
        }
        return try outcome.get()
    }

    /// The first requests, as many as fit. Called with the lock.
    private func takeGroup() -> [Request] {
        var bytes = 0
        let size = waiting.prefix { request in
            defer { bytes += request.payload.count }
            return bytes == 0 || bytes + request.payload.count <= Self.groupBytes
        }.count
        let group = Array(waiting.prefix(size))
        waiting.removeFirst(size)
        return group
    }

    /// Runs a closure while no request is written.
    func exclusively<Result>(_ body: () throws -> Result) rethrows -> Result {
        monitor.withLock {
            while isLed { monitor.wait() }
            isLed = true
        }
        defer {
            monitor.withLock {
                isLed = false
                monitor.broadcast()
            }
        }
        return try body()
    }
}

/// What became of an operation.
struct CommitOutcome: Sendable {
    let sequence: UInt64
    /// Rows that an id had before and has no more.
    let replaced: Int
}

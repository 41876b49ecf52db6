/// Work that is done on a thread of its own when it is asked for, once at a time.
final class BackgroundJob: @unchecked Sendable {
    private let monitor = Monitor()
    private var isRunning = false
    /// What is to be done next.
    private var wanted: (@Sendable () -> Void)?
    private var isStopped = false

    /// Has the work done, or once more if it is being done.
    func request(_ work: @Sendable @escaping () -> Void) {
        let begins = monitor.withLock { () -> Bool in
            guard !isStopped else { return false }
            wanted = work
            guard !isRunning else { return false }
            isRunning = true
            return true
        }
        guard begins else { return }
        let thread = BackgroundThread.start { [self] in
            // The work, and what it holds, is gone before anybody hears that it is done.
            while let work = next() { work() }
        }
        if thread == nil {
            // Without a thread it is left to the next request.
            monitor.withLock {
                isRunning = false
                wanted = nil
                monitor.broadcast()
            }
        }
    }

    /// The work to be done now; nil ends the thread.
    private func next() -> (@Sendable () -> Void)? {
        monitor.withLock {
            defer { wanted = nil }
            if let wanted, !isStopped { return wanted }
            isRunning = false
            monitor.broadcast()
            return nil
        }
    }

    /// Takes no more requests, and returns when the work is done.
    func stop() {
        monitor.withLock {
            isStopped = true
            while isRunning { monitor.wait() }
        }
    }

    /// Returns when nothing is being done.
    func waitUntilIdle() { monitor.withLock { while isRunning { monitor.wait() } } }
}

/// The last failure of work that nobody waited for.
final class FailureNote: @unchecked Sendable {
    private let monitor = Monitor()
    private var failure: (any Error)?

    func note(_ error: any Error) { monitor.withLock { failure = error } }
    func clear() { monitor.withLock { failure = nil } }
    var last: (any Error)? { monitor.withLock { failure } }
}

/// Calls a closure every so many milliseconds, until it goes away.
final class Interval: @unchecked Sendable {
    private let monitor = Monitor()
    private var isStopped = false
    /// Whether the closure is being called, or about to be.
    private var isCalling = false

    init?(milliseconds: Int, _ body: @Sendable @escaping () -> Void) {
        let milliseconds = max(1, milliseconds)
        let thread = BackgroundThread.start { [monitor, weak self] in
            while self?.isOver(monitor, milliseconds) == false { body() }
        }
        if thread == nil { return nil }
    }

    private func isOver(_ monitor: Monitor, _ milliseconds: Int) -> Bool {
        monitor.withLock {
            isCalling = false
            monitor.broadcast()
            if !isStopped { monitor.wait(milliseconds: milliseconds) }
            isCalling = !isStopped
            return isStopped
        }
    }

    /// Returns when the closure is called no more.
    func stop() {
        monitor.withLock {
            isStopped = true
            monitor.broadcast()
            while isCalling { monitor.wait() }
        }
    }
}

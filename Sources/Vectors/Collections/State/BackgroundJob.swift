/// Work that is done on a thread of its own when it is asked for, once at a time.
final class BackgroundJob: @unchecked Sendable {
    private let monitor = Monitor()
    private var isRunning = false
    private var isWanted = false
    private var isStopped = false

    /// Has the work done, or once more if it is being done.
    func request(_ work: @Sendable @escaping () -> Void) {
        let begins = monitor.withLock { () -> Bool in
            guard !isStopped else { return false }
            guard !isRunning else {
                isWanted = true
                return false
            }
            isRunning = true
            return true
        }
        guard begins else { return }
        let thread = BackgroundThread.start { [self] in
            repeat { work() } while goesOn()
        }
        if thread == nil {
            // Without a thread it is left to the next request.
            monitor.withLock {
                isRunning = false
                monitor.broadcast()
            }
        }
    }

    private func goesOn() -> Bool {
        monitor.withLock {
            if isWanted && !isStopped {
                isWanted = false
                return true
            }
            isRunning = false
            monitor.broadcast()
            return false
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

    init?(milliseconds: Int, _ body: @Sendable @escaping () -> Void) {
        let milliseconds = max(1, milliseconds)
        let thread = BackgroundThread.start { [monitor, weak self] in
            while self?.isOver(monitor, milliseconds) == false { body() }
        }
        if thread == nil { return nil }
    }

    private func isOver(_ monitor: Monitor, _ milliseconds: Int) -> Bool {
        monitor.withLock {
            if !isStopped { monitor.wait(milliseconds: milliseconds) }
            return isStopped
        }
    }

    func stop() {
        monitor.withLock {
            isStopped = true
            monitor.broadcast()
        }
    }
}

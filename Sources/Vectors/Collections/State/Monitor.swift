#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock and a condition to wait for.
///
/// Not `Synchronization.Mutex`, which has no condition, and whose waiting the thread sanitizer does
/// not see.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Waits until somebody calls `broadcast`, or for no reason. Called with the lock.
    func wait() { pthread_cond_wait(condition, mutex) }

    /// The same, for a time at most.
    func wait(milliseconds: Int) {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += milliseconds / 1000
        end.tv_nsec += milliseconds % 1000 * 1_000_000
        if end.tv_nsec >= 1_000_000_000 {
            end.tv_nsec -= 1_000_000_000
            end.tv_sec += 1
        }
        pthread_cond_timedwait(condition, mutex, &end)
    }

    func broadcast() { pthread_cond_broadcast(condition) }
}

/// A closure on a thread of its own, to be waited for.
final class BackgroundThread: @unchecked Sendable {
    private let body: @Sendable () -> Void
    private let monitor = Monitor()
    private var isDone = false

    private init(_ body: @Sendable @escaping () -> Void) { self.body = body }

    /// Starts a thread; nil if the system has none.
    static func start(_ body: @Sendable @escaping () -> Void) -> BackgroundThread? {
        let thread = BackgroundThread(body)
        let this = Unmanaged.passRetained(thread)
        #if canImport(Darwin)
            var handle: pthread_t?
        #else
            var handle = pthread_t()
        #endif
        let code = pthread_create(
            &handle, nil,
            { argument in
                // Optional on one system, and not on the other.
                let pointer: UnsafeMutableRawPointer? = argument
                if let pointer {
                    Unmanaged<BackgroundThread>.fromOpaque(pointer).takeRetainedValue().run()
                }
                return nil
            }, this.toOpaque())
        guard code == 0 else {
            this.release()
            return nil
        }
        #if canImport(Darwin)
            if let handle { pthread_detach(handle) }
        #else
            pthread_detach(handle)
        #endif
        return thread
    }

    private func run() {
        body()
        monitor.withLock {
            isDone = true
            monitor.broadcast()
        }
    }

    /// Returns when the closure has.
    func join() {
        monitor.withLock { while !isDone { monitor.wait() } }
    }
}

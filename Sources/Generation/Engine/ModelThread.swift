import FathomTensors
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The thread on which a model's passes run, one job after the other.
///
/// Swift's own threads come and go and move between cores; numeric work wants one that stays on
/// the first core while the pool's workers stay on the others.
final class ModelThread: @unchecked Sendable {
    private final class Queue: @unchecked Sendable {
        let lock: UnsafeMutablePointer<pthread_mutex_t>
        let signal: UnsafeMutablePointer<pthread_cond_t>
        var jobs: [@Sendable () -> Void] = []
        var isClosed = false

        init() {
            lock = .allocate(capacity: 1)
            signal = .allocate(capacity: 1)
            pthread_mutex_init(lock, nil)
            pthread_cond_init(signal, nil)
        }

        func run() {
            ThreadPool.pinCaller()
            while let job = next() { job() }
        }

        private func next() -> (@Sendable () -> Void)? {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            while jobs.isEmpty, !isClosed { pthread_cond_wait(signal, lock) }
            return jobs.isEmpty ? nil : jobs.removeFirst()
        }

        deinit {
            pthread_mutex_destroy(lock)
            pthread_cond_destroy(signal)
            lock.deallocate()
            signal.deallocate()
        }
    }

    private let queue = Queue()

    init() {
        let argument = Unmanaged.passRetained(queue).toOpaque()
        #if canImport(Darwin)
            var thread: pthread_t?
            let code = pthread_create(&thread, nil, Self.entry, argument)
            if let thread { pthread_detach(thread) }
        #else
            var thread = pthread_t()
            let code = pthread_create(&thread, nil, Self.entry, argument)
            if code == 0 { pthread_detach(thread) }
        #endif
        precondition(code == 0, "the system refuses another thread")
    }

    /// Adds a job to the end of the queue.
    func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(queue.lock)
        queue.jobs.append(job)
        pthread_cond_signal(queue.signal)
        pthread_mutex_unlock(queue.lock)
    }

    deinit {
        pthread_mutex_lock(queue.lock)
        queue.isClosed = true
        pthread_cond_signal(queue.signal)
        pthread_mutex_unlock(queue.lock)
    }

    #if canImport(Darwin)
        private static let entry:
            @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = {
                Unmanaged<Queue>.fromOpaque($0).takeRetainedValue().run()
                return nil
            }
    #else
        private static let entry:
            @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
                if let argument { Unmanaged<Queue>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }
    #endif
}

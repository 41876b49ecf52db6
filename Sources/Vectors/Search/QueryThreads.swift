#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Shares the queries of one search out over threads.
///
/// Queries do not see each other, so results do not depend on how many threads there are.
enum QueryThreads {
    /// The most threads one search takes.
    static let limit = 256

    /// Runs a closure on consecutive parts of `0..<count`, and gives what it gives in their order.
    ///
    /// - Throws: the first part's error, if there are any.
    static func map<Result: Sendable>(
        _ count: Int, threads: Int, _ body: @Sendable @escaping (Range<Int>) throws -> Result
    ) throws -> [Result] {
        let threads = min(max(1, threads), limit, max(1, count))
        let parts = (0..<threads).map { count * $0 / threads..<count * ($0 + 1) / threads }
        let jobs = parts.map { part in Job { try body(part) } }
        var started: [pthread_t] = []
        for job in jobs.dropFirst() {
            guard let thread = job.start() else { break }
            started.append(thread)
        }
        // What got no thread is done here, after the first part.
        jobs[0].run()
        for job in jobs.dropFirst(1 + started.count) { job.run() }
        for thread in started { pthread_join(thread, nil) }
        return try jobs.map { try $0.outcome() }
    }

    /// One part: written by the thread that runs it, read after that thread was joined.
    private final class Job<Result: Sendable>: Runnable, @unchecked Sendable {
        private let body: @Sendable () throws -> Result
        private var result: Swift.Result<Result, any Error>?

        init(_ body: @Sendable @escaping () throws -> Result) { self.body = body }

        override func run() { result = Swift.Result { try body() } }

        func outcome() throws -> Result {
            guard let result else { preconditionFailure("a part was not run") }
            return try result.get()
        }
    }

    private class Runnable {
        func run() {}

        /// Runs on a new thread; nil if the system has none.
        func start() -> pthread_t? {
            let this = Unmanaged.passRetained(self)
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let code = pthread_create(
                &thread, nil,
                { argument in
                    // Optional on one system, and not on the other.
                    let pointer: UnsafeMutableRawPointer? = argument
                    if let pointer {
                        Unmanaged<Runnable>.fromOpaque(pointer).takeRetainedValue().run()
                    }
                    return nil
                }, this.toOpaque())
            guard code == 0 else {
                this.release()
                return nil
            }
            return thread
        }
    }
}

import FathomKernels

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
        let outcomes = map(count, threads: threads) { part in
            Swift.Result { try body(part) }
        }
        return try outcomes.map { try $0.get() }
    }

    static func map<Result: Sendable>(
        _ count: Int, threads: Int, _ body: @Sendable @escaping (Range<Int>) -> Result
    ) -> [Result] {
        let threads = min(max(1, threads), limit, max(1, count))
        let parts = (0..<threads).map { count * $0 / threads..<count * ($0 + 1) / threads }
        let cores = threads > 1 ? otherCores() : []
        let jobs = parts.enumerated().map { number, part in
            Job(core: cores.isEmpty ? nil : cores[max(0, number - 1) % cores.count]) { body(part) }
        }
        var started: [pthread_t] = []
        for job in jobs.dropFirst() {
            guard let thread = job.start() else { break }
            started.append(thread)
        }
        // What got no thread is done here, after the first part.
        jobs[0].run()
        for job in jobs.dropFirst(1 + started.count) { job.run() }
        for thread in started { pthread_join(thread, nil) }
        return jobs.map { $0.outcome() }
    }

    private static let cores: [Int32] = {
        var cores = [Int32](repeating: 0, count: limit)
        let count = Int(fk_physical_cores(&cores, Int32(limit)))
        return Array(cores.prefix(count))
    }()

    /// The cores for new threads: that of the caller comes last.
    private static func otherCores() -> [Int32] {
        let current = fk_current_cpu()
        return cores.filter { $0 != current } + cores.filter { $0 == current }
    }

    /// One part: written by the thread that runs it, read after that thread was joined.
    private final class Job<Result: Sendable>: Runnable, @unchecked Sendable {
        private let body: @Sendable () -> Result
        private var result: Result?

        init(core: Int32?, _ body: @Sendable @escaping () -> Result) {
            self.body = body
            super.init(core: core)
        }

        override func run() { result = body() }

        func outcome() -> Result {
            guard let result else { preconditionFailure("a part was not run") }
            return result
        }
    }

    private class Runnable {
        private let core: Int32?

        init(core: Int32?) { self.core = core }

        func run() {}

        private func runPinned() {
            // Left alone, a new thread often stays on the core of the one that started it.
            if let core { _ = fk_pin_thread(core) }
            run()
        }

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
                        Unmanaged<Runnable>.fromOpaque(pointer).takeRetainedValue().runPinned()
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

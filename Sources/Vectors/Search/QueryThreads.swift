import FathomKernels
import Synchronization

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
        _ count: Int, threads: Int, pieces: Int = 1,
        _ body: @Sendable @escaping (Range<Int>) throws -> Result
    ) throws -> [Result] {
        let outcomes = map(count, threads: threads, pieces: pieces) { part in
            Swift.Result { try body(part) }
        }
        return try outcomes.map { try $0.get() }
    }

    /// - Parameter pieces: parts for each thread, which takes the next when it is done with one; more
    ///   of them help where the cores are shared with others.
    static func map<Result: Sendable>(
        _ count: Int, threads: Int, pieces: Int = 1,
        _ body: @Sendable @escaping (Range<Int>) -> Result
    ) -> [Result] {
        let threads = min(max(1, threads), limit, max(1, count))
        let partCount = threads == 1 ? 1 : min(threads * pieces, count)
        let parts = Parts<Result>(partCount) { part in
            body(count * part / partCount..<count * (part + 1) / partCount)
        }
        let cores = threads > 1 ? otherCores() : []
        var started: [pthread_t] = []
        for number in 0..<threads - 1 {
            guard let thread = Runnable(parts, core: cores[number % cores.count]).start() else {
                break
            }
            started.append(thread)
        }
        parts.run()
        for thread in started { pthread_join(thread, nil) }
        return parts.results()
    }

    private protocol Work: AnyObject, Sendable {
        /// Does what no other thread has begun.
        func run()
    }

    /// The parts of one call. A place is written by the thread that took its part, and read after
    /// all threads were joined.
    private final class Parts<Result: Sendable>: Work, @unchecked Sendable {
        private let body: @Sendable (Int) -> Result
        private let next = Atomic<Int>(0)
        private let places: UnsafeMutablePointer<Result?>
        private let count: Int

        init(_ count: Int, _ body: @Sendable @escaping (Int) -> Result) {
            self.body = body
            self.count = count
            places = .allocate(capacity: count)
            places.initialize(repeating: nil, count: count)
        }

        deinit {
            places.deinitialize(count: count)
            places.deallocate()
        }

        func run() {
            while true {
                let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard part < count else { return }
                places[part] = body(part)
            }
        }

        func results() -> [Result] { (0..<count).compactMap { places[$0] } }
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

    /// What a new thread does.
    private final class Runnable: Sendable {
        private let work: any Work
        private let core: Int32

        init(_ work: any Work, core: Int32) {
            self.work = work
            self.core = core
        }

        private func run() {
            // Left alone, a new thread often stays on the core of the one that started it.
            _ = fk_pin_thread(core)
            work.run()
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

import FathomKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A few pinned threads that share out the tasks of one operation at a time.
///
/// An operation of a small model lasts microseconds, so waking a thread (10–40 µs) would cost
/// more than the work. Workers therefore spin for a while after each job and park only when none
/// follows. A worker that comes too late finds the job closed and is not waited for.
///
/// Tasks must not depend on which thread runs them or in which order: results never do.
public final class ThreadPool: @unchecked Sendable {
    /// The pool that operations use.
    public static var shared: ThreadPool { sharedPool.withLock { $0 } }

    /// Replaces the shared pool by one of `threads` threads; between operations only.
    public static func configure(threads: Int) {
        let pool = ThreadPool(threads: threads)
        sharedPool.withLock { $0 = pool }
    }

    /// The number of physical cores this process may use.
    public static var coreCount: Int { max(1, physicalCores.count) }

    /// Threads that work on a job, the caller included.
    public let threadCount: Int

    private typealias Task = (Int) -> Void

    /// `gate` packs whether the open job still takes workers (bit 62), its number (bits 16–61)
    /// and how many workers are inside (bits 0–15).
    private let gate = Atomic<Int>(0)
    private static let open = 1 << 62
    private static let insideMask = 0xffff

    private let next = Atomic<Int>(0)
    private let parked = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private nonisolated(unsafe) var task: UnsafePointer<Task>?
    private nonisolated(unsafe) var taskCount = 0
    private var jobNumber = 0

    private let callerLock: UnsafeMutablePointer<pthread_mutex_t>
    private let parkLock: UnsafeMutablePointer<pthread_mutex_t>
    private let parkSignal: UnsafeMutablePointer<pthread_cond_t>
    private nonisolated(unsafe) var workers: [pthread_t] = []

    /// Rounds of spinning before a worker parks: about a millisecond.
    private static let spinRounds = 40_000

    /// Rounds of waiting for workers between offers of the core to whoever else wants it.
    private static let roundsBeforeYield = 4_000

    /// Starts `threads - 1` workers, pinned to the second and following cores.
    public init(threads: Int) {
        threadCount = min(max(1, threads), 1024)
        callerLock = .allocate(capacity: 1)
        parkLock = .allocate(capacity: 1)
        parkSignal = .allocate(capacity: 1)
        pthread_mutex_init(callerLock, nil)
        pthread_mutex_init(parkLock, nil)
        pthread_cond_init(parkSignal, nil)
        for index in 1..<max(threadCount, 1) {
            let start = Unmanaged.passRetained(WorkerStart(pool: self, index: index))
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let code = pthread_create(&thread, nil, runWorker, start.toOpaque())
            guard code == 0 else {
                start.release()
                break
            }
            #if canImport(Darwin)
                if let thread { workers.append(thread) }
            #else
                workers.append(thread)
            #endif
        }
    }

    /// Binds the calling thread to the first core, so that it never shares one with a worker.
    ///
    /// Call it once on a thread that runs many operations.
    public static func pinCaller() {
        if let first = physicalCores.first, physicalCores.count > 1 { fk_pin_thread(first) }
    }

    /// Runs `body(0)` to `body(count - 1)`, shared out over the threads, and returns when all
    /// have ended.
    public func run(_ count: Int, _ body: (Int) -> Void) {
        guard count > 1, !workers.isEmpty else {
            for index in 0..<max(0, count) { body(index) }
            return
        }
        pthread_mutex_lock(callerLock)
        defer { pthread_mutex_unlock(callerLock) }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body as Task) { pointer in
                task = pointer
                taskCount = count
                next.store(0, ordering: .relaxed)
                jobNumber = (jobNumber + 1) & 0xffff_ffff
                let entry = Self.open | jobNumber << 16
                gate.store(entry, ordering: .sequentiallyConsistent)
                if parked.load(ordering: .sequentiallyConsistent) > 0 {
                    pthread_mutex_lock(parkLock)
                    pthread_cond_broadcast(parkSignal)
                    pthread_mutex_unlock(parkLock)
                }
                work(pointer.pointee, count)
                var state = gate.bitwiseAnd(~Self.open, ordering: .acquiringAndReleasing).newValue
                var rounds = 0
                while state & Self.insideMask != 0 {
                    rounds += 1
                    // A worker that lost its core to another program needs one to finish on.
                    if rounds % Self.roundsBeforeYield == 0 { sched_yield() } else { fk_pause() }
                    state = gate.load(ordering: .acquiring)
                }
            }
        }
    }

    private func work(_ task: Task, _ count: Int) {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            if index >= count { return }
            task(index)
        }
    }

    /// Takes part in the open job, if there is one other than `last`; returns its number.
    private func join(after last: Int) -> Int? {
        var state = gate.load(ordering: .acquiring)
        while state & Self.open != 0 {
            let number = (state >> 16) & 0xffff_ffff
            if number == last { return nil }
            let (exchanged, now) = gate.compareExchange(
                expected: state, desired: state + 1, ordering: .acquiringAndReleasing)
            if exchanged {
                if let task { work(task.pointee, taskCount) }
                gate.subtract(1, ordering: .releasing)
                return number
            }
            state = now
        }
        return nil
    }

    fileprivate func workerLoop(index: Int) {
        let cores = physicalCores
        if !cores.isEmpty { fk_pin_thread(cores[index % cores.count]) }
        var last = 0
        var idleRounds = 0
        while !stopping.load(ordering: .relaxed) {
            if let number = join(after: last) {
                last = number
                idleRounds = 0
            } else if idleRounds < Self.spinRounds {
                idleRounds += 1
                fk_pause()
            } else {
                park(after: last)
                idleRounds = 0
            }
        }
    }

    private func park(after last: Int) {
        pthread_mutex_lock(parkLock)
        parked.add(1, ordering: .sequentiallyConsistent)
        while !stopping.load(ordering: .relaxed) {
            let state = gate.load(ordering: .sequentiallyConsistent)
            if state & Self.open != 0, (state >> 16) & 0xffff_ffff != last { break }
            pthread_cond_wait(parkSignal, parkLock)
        }
        parked.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(parkLock)
    }

    deinit {
        // Workers hold the pool only while they start; see `WorkerStart`.
        stopping.store(true, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(parkLock)
        pthread_cond_broadcast(parkSignal)
        pthread_mutex_unlock(parkLock)
        for worker in workers { pthread_join(worker, nil) }
        callerLock.deallocate()
        parkLock.deallocate()
        parkSignal.deallocate()
    }
}

private let sharedPool = Mutex(ThreadPool(threads: ThreadPool.coreCount))

private let physicalCores: [Int32] = {
    var cores = [Int32](repeating: 0, count: 1024)
    let count = cores.withUnsafeMutableBufferPointer {
        fk_physical_cores($0.baseAddress, Int32($0.count))
    }
    return Array(cores.prefix(max(0, min(Int(count), 1024))))
}()

/// What a new worker is told; it refers to its pool without keeping it alive.
private final class WorkerStart {
    unowned(unsafe) let pool: ThreadPool
    let index: Int

    init(pool: ThreadPool, index: Int) {
        self.pool = pool
        self.index = index
    }
}

#if canImport(Darwin)
    private func runWorker(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
        start.pool.workerLoop(index: start.index)
        return nil
    }
#else
    private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
        start.pool.workerLoop(index: start.index)
        return nil
    }
#endif

public import FathomTensors
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Fetches rows of tables that lie in mapped files, on a thread of its own, ahead of their use.
///
/// The pages of the rows are asked for all at once and then touched, so that the disk works while
/// earlier layers run and their use finds them in memory. Nobody waits for it: a row that has not
/// come yet is read when it is used, with the same result.
public final class TablePrefetch: Sendable {
    private let queue = PrefetchQueue()

    /// Starts the thread; without one to be had, requests do nothing.
    public init() {
        queue.start()
    }

    /// Asks for rows of a table.
    ///
    /// Does nothing for a table that lies in memory. Of more than 64 requests that wait, the
    /// oldest are dropped: they have been overtaken.
    ///
    /// - Precondition: every id is a row of the table.
    public func request(_ rows: [Int32], of table: Matrix) {
        guard table.tensor.storage.isMapped, !rows.isEmpty else { return }
        queue.append(.init(rows: rows, table: table))
    }

    /// Returns when all requests have been seen to.
    public func waitUntilIdle() {
        queue.waitUntilIdle()
    }

    /// Pages touched so far.
    public var pageCount: Int { queue.pageCount }

    deinit {
        queue.stop()
    }
}

/// What the thread and its owner share; the thread keeps it alive, not its owner.
private final class PrefetchQueue: @unchecked Sendable {
    struct Request {
        let rows: [Int32]
        let table: Matrix
    }

    static let capacity = 64

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let signal: UnsafeMutablePointer<pthread_cond_t>
    // Guarded by `lock`.
    private var waiting: [Request] = []
    private var isBusy = false
    private var isStopping = false
    private var isRunning = false
    private var touched = 0
    /// Keeps the touching from being optimised away.
    private let sink = Atomic<UInt8>(0)

    init() {
        lock = .allocate(capacity: 1)
        signal = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(signal, nil)
    }

    deinit {
        pthread_cond_destroy(signal)
        pthread_mutex_destroy(lock)
        lock.deallocate()
        signal.deallocate()
    }

    func start() {
        let argument = Unmanaged.passRetained(self)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        isRunning = true
        guard pthread_create(&thread, &attributes, runPrefetch, argument.toOpaque()) != 0 else {
            return
        }
        isRunning = false
        argument.release()
    }

    func append(_ request: Request) {
        locked {
            guard isRunning else { return }
            if waiting.count >= Self.capacity { waiting.removeFirst() }
            waiting.append(request)
            pthread_cond_broadcast(signal)
        }
    }

    func waitUntilIdle() {
        locked { while isBusy || !waiting.isEmpty { pthread_cond_wait(signal, lock) } }
    }

    func stop() {
        locked {
            isStopping = true
            waiting = []
            pthread_cond_broadcast(signal)
        }
    }

    var pageCount: Int { locked { touched } }

    /// What the thread does until it is stopped.
    fileprivate func run() {
        while let request = next() {
            let count = fetch(request)
            locked { touched += count }
        }
    }

    private func next() -> Request? {
        locked {
            isBusy = false
            pthread_cond_broadcast(signal)
            while waiting.isEmpty, !isStopping { pthread_cond_wait(signal, lock) }
            guard !isStopping else { return nil }
            isBusy = true
            return waiting.removeFirst()
        }
    }

    /// Asks for the pages of a request and touches them; returns how many there were.
    private func fetch(_ request: Request) -> Int {
        let table = request.table.tensor
        let pageBytes = UInt(max(4096, sysconf(Int32(_SC_PAGESIZE))))
        let start = UInt(bitPattern: table.bytes)
        let rowBytes = UInt(table.rowBytes)
        guard rowBytes > 0 else { return 0 }
        var pages: Set<UInt> = []
        for row in request.rows {
            let first = start + UInt(row) * rowBytes
            for page in first / pageBytes...(first + rowBytes - 1) / pageBytes {
                pages.insert(page)
            }
        }
        let sorted = pages.sorted()
        var index = 0
        while index < sorted.count {
            var end = index + 1
            while end < sorted.count, sorted[end] == sorted[end - 1] + 1 { end += 1 }
            madvise(
                UnsafeMutableRawPointer(bitPattern: sorted[index] * pageBytes),
                Int(sorted[end - 1] - sorted[index] + 1) * Int(pageBytes), MADV_WILLNEED)
            index = end
        }
        // Within the table: its first page may begin before it.
        for page in sorted {
            guard let address = UnsafeRawPointer(bitPattern: max(page * pageBytes, start)) else {
                continue
            }
            sink.store(address.load(as: UInt8.self), ordering: .relaxed)
        }
        return sorted.count
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }
}

#if canImport(Darwin)
    private func runPrefetch(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<PrefetchQueue>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
#else
    private func runPrefetch(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        Unmanaged<PrefetchQueue>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
#endif

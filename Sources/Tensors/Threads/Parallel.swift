/// Runs `body` over `0..<count` in consecutive ranges, shared out over the threads.
///
/// - Parameter grain: the smallest range worth a task of its own; about 10 µs of work.
func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let pool = ThreadPool.shared
    let pieces = min(4 * pool.threadCount, count / max(1, grain))
    guard pieces > 1, pool.threadCount > 1 else {
        if count > 0 { body(0..<count) }
        return
    }
    pool.run(pieces) { piece in
        body((count * piece / pieces)..<(count * (piece + 1) / pieces))
    }
}

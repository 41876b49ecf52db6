/// Counts attempts that bring nothing and says how long to wait before the next.
///
/// Attempts that bring a good piece do not count: a file of a hundred gigabytes may see more broken
/// connections than any fixed number allows. The count is still bounded by the file's length.
package struct Retry {
    private let limits: TransferLimits
    private var failures = 0

    package init(_ limits: TransferLimits) {
        self.limits = limits
    }

    /// Takes note of a failed attempt.
    ///
    /// - Returns: The time to wait, or nothing when the error is final.
    package mutating func wait(after error: HubError, newBytes: Int64) -> Duration? {
        guard error.isTransient else { return nil }
        failures = newBytes >= limits.progressBytes ? 1 : failures + 1
        guard failures < limits.attempts else { return nil }
        if case .rateLimited(_, let seconds?) = error {
            // Waiting longer than a person would is for the person to decide.
            let wait = Duration.seconds(seconds)
            return wait <= limits.longestWait ? wait : nil
        }
        var wait = limits.firstWait
        for _ in 1..<failures where wait < limits.longestWait { wait *= 2 }
        // Half of it at random, so that many clients of one failed server do not return together.
        return min(wait, limits.longestWait) * Double.random(in: 0.5...1)
    }
}

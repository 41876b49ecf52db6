/// What a pull is doing.
public struct PullProgress: Sendable, Hashable {
    public enum Stage: Sendable, Hashable {
        /// The list of files is being asked for.
        case resolving
        /// Another process pulls the same model; this one waits for it.
        case waiting
        case downloading(file: String)
        case unpacking(file: String)
        case verifying(file: String)
        /// Something the user should know though the pull goes on.
        case notice(String)
        /// Every file is in place.
        case finished
    }

    public let stage: Stage
    /// The source in use, in words.
    public let source: String
    /// Bytes done of the whole pull while downloading, of the one file while unpacking and
    /// verifying.
    public let completedBytes: Int64
    /// What ``completedBytes`` will be at the end, where it is known.
    public let totalBytes: Int64?
}

/// Passes progress on, at a bearable rate.
///
/// Used by one task at a time.
struct ProgressReporter {
    let source: String
    let interval: Duration
    let handler: @Sendable (PullProgress) -> Void
    private var lastStage: PullProgress.Stage?
    private var lastTime: ContinuousClock.Instant?

    init(
        source: ModelSource, interval: Duration, handler: @escaping @Sendable (PullProgress) -> Void
    ) {
        self.source = source.description
        self.interval = interval
        self.handler = handler
    }

    /// Reports a stage; a repetition within the interval is left out unless it is the last.
    mutating func report(
        _ stage: PullProgress.Stage, completed: Int64 = 0, total: Int64? = nil
    ) {
        let now = ContinuousClock.now
        if stage == lastStage, let lastTime, now - lastTime < interval, completed != total {
            return
        }
        lastStage = stage
        lastTime = now
        handler(
            PullProgress(
                stage: stage, source: source, completedBytes: completed, totalBytes: total))
    }

    mutating func notice(_ text: String) {
        report(.notice(text))
        lastStage = nil
    }
}

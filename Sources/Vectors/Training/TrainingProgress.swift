/// How far a training or an addition is.
public struct TrainingProgress: Sendable, Hashable {
    /// What is being done, such as "coarse centroids".
    public let stage: String
    /// Steps done, of `total`.
    public let completed: Int
    public let total: Int
}

/// Called as work proceeds.
public typealias TrainingProgressHandler = (TrainingProgress) -> Void

/// What those who train and fill an index are given: threads, and whom to tell of progress.
package struct BuildWork {
    package let threads: Int
    private let progress: TrainingProgressHandler?

    package init(threads: Int = 1, progress: TrainingProgressHandler? = nil) {
        self.threads = threads
        self.progress = progress
    }

    func report(_ step: TrainingProgress) { progress?(step) }
}

extension KMeans {
    /// Trains and reports each iteration as a step of a stage.
    func train(
        _ vectors: VectorRows, startingFrom first: VectorRows? = nil, stage: String,
        _ work: BuildWork
    ) throws(TrainingError) -> Clusters {
        var done = 0
        return try train(vectors, startingFrom: first, threads: work.threads) { _ in
            done += 1
            work.report(
                TrainingProgress(
                    stage: stage, completed: done,
                    total: settings.iterationCount * settings.attemptCount))
        }
    }
}

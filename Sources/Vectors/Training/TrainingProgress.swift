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

extension KMeans {
    /// Trains and reports each iteration as a step of a stage.
    func train(
        _ vectors: VectorRows, startingFrom first: VectorRows? = nil, stage: String,
        _ progress: TrainingProgressHandler?
    ) throws(TrainingError) -> Clusters {
        var done = 0
        return try train(vectors, startingFrom: first) { _ in
            done += 1
            progress?(
                TrainingProgress(
                    stage: stage, completed: done,
                    total: settings.iterationCount * settings.attemptCount))
        }
    }
}

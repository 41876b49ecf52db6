import FathomVectors

/// Shows stages of a build on standard error: one line that changes on a terminal, a line a stage
/// elsewhere.
final class StageLine {
    private var lastStage = ""
    private var lastPercent = -1
    private var isOpen = false

    func show(_ progress: TrainingProgress) {
        let percent = 100 * progress.completed / max(1, progress.total)
        guard StandardError.isTerminal else {
            if progress.stage != lastStage { StandardError.write(progress.stage + "\n") }
            lastStage = progress.stage
            return
        }
        guard progress.stage != lastStage || percent != lastPercent else { return }
        (lastStage, lastPercent) = (progress.stage, percent)
        StandardError.write("\r\u{1B}[K\(progress.stage), \(percent)%")
        isOpen = true
    }

    func close() {
        if isOpen { StandardError.write("\r\u{1B}[K") }
        isOpen = false
    }
}

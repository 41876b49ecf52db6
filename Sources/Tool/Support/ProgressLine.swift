import FathomGeneration
import FathomHub
import Synchronization

/// Shows the progress of a pull on standard error: one line that changes on a terminal, a line a
/// stage elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var lastStage = ""
        var isOpen = false
        var start = ContinuousClock.now
        var startBytes: Int64 = 0
    }

    private let state = Mutex(State())
    private let name: String

    private init(_ name: String) {
        self.name = name
    }

    /// Pulls a model and shows how far it is.
    static func pull(_ name: String, from store: ModelStore, isRefreshing: Bool = false)
        async throws -> ModelLocation
    {
        let line = ProgressLine(name)
        defer { line.close() }
        return try await store.pull(name, isRefreshing: isRefreshing) { line.show($0) }
    }

    private func show(_ progress: PullProgress) {
        let (stage, text) = describe(progress)
        if case .notice(let notice) = progress.stage {
            close()
            StandardError.write("\(notice)\n")
            return
        }
        state.withLock { state in
            if stage != state.lastStage {
                state.start = .now
                state.startBytes = progress.completedBytes
                if !StandardError.isTerminal { StandardError.write("\(name): \(stage)\n") }
                state.lastStage = stage
            }
            guard StandardError.isTerminal else { return }
            let seconds = (ContinuousClock.now - state.start).inSeconds
            let done = progress.completedBytes - state.startBytes
            let rate = seconds > 0.5 ? ", \(Format.bytes(Int(Double(done) / seconds)))/s" : ""
            StandardError.write("\r\u{1B}[K\(name): \(text)\(done > 0 ? rate : "")")
            state.isOpen = true
        }
    }

    private func close() {
        state.withLock { state in
            if state.isOpen { StandardError.write("\r\u{1B}[K") }
            state.isOpen = false
        }
    }

    private func describe(_ progress: PullProgress) -> (stage: String, text: String) {
        let stage =
            switch progress.stage {
            case .resolving: "asking \(progress.source)"
            case .waiting: "waiting for another download of it"
            case .downloading(let file): "downloading \(file) from \(progress.source)"
            case .unpacking(let file): "unpacking \(file)"
            case .verifying(let file): "verifying \(file)"
            case .notice(let text): text
            case .finished: "ready"
            }
        guard let total = progress.totalBytes, total > 0 else {
            let done = progress.completedBytes
            return (stage, done > 0 ? "\(stage), \(Format.bytes(Int(done)))" : stage)
        }
        let percent = 100 * progress.completedBytes / total
        return (
            stage,
            "\(stage), \(percent)% of \(Format.bytes(Int(total)))"
        )
    }
}

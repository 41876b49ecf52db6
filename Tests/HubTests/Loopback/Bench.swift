import FathomHub
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder that goes when the test does. Its name has spaces and characters beyond ASCII, so that
/// every test also shows that those work.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        path = "\(base)/fathom hub 🐟 é \(String(UInt64.random(in: .min ... .max), radix: 36))"
        Disk.makeFolder(path)
    }

    deinit { Disk.remove(path) }
}

/// The tests' own way to the disk, so that they do not trust what they test.
enum Disk {
    static func makeFolder(_ path: String) {
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }

    static func makeExecutable(_ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    /// Paths of all files below a folder, relative to it.
    static func files(below path: String) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        return all.filter { name in
            var isFolder = false
            let exists = FileManager.default.fileExists(
                atPath: "\(path)/\(name)", isDirectory: &isFolder)
            return exists && !isFolder
        }.sorted()
    }
}

/// Collects what a pull reports.
final class ProgressLog: Sendable {
    private let events = Mutex<[PullProgress]>([])

    var all: [PullProgress] { events.withLock { $0 } }
    var stages: [PullProgress.Stage] { all.map(\.stage) }
    var notices: [String] {
        stages.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    @Sendable func add(_ progress: PullProgress) { events.withLock { $0.append(progress) } }
}

extension HubSettings {
    /// Settings that keep a test short: every wait is a small fraction of the real one.
    static func quick(_ home: TemporaryFolder, endpoint: String = "http://127.0.0.1:9")
        -> HubSettings
    {
        var settings = HubSettings(home: "\(home.path)/home")
        settings.endpoint = endpoint
        settings.limits.connectTimeout = .seconds(2)
        settings.limits.answerTimeout = .seconds(10)
        settings.limits.stallTimeout = .seconds(10)
        settings.limits.attempts = 3
        settings.limits.firstWait = .milliseconds(2)
        settings.limits.longestWait = .seconds(3)
        settings.limits.pollInterval = .milliseconds(5)
        settings.limits.reportInterval = .zero
        settings.pipCommands = []
        return settings
    }
}

/// Runs a body that must throw an error of the hub, and gives the error.
func hubError(
    _ body: () async throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> HubError {
    do {
        _ = try await body()
    } catch {
        return try #require(error as? HubError, "\(error)", sourceLocation: sourceLocation)
    }
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// Runs a test against one hub; what it scripts replaces the honest answer.
func withHub<Result>(
    _ hub: FakeHub,
    script: @escaping @Sendable (LoopbackServer.Request, FakeHub) -> [LoopbackServer.Action]? = {
        _, _ in nil
    },
    _ body: (LoopbackServer, TemporaryFolder, ModelStore) async throws -> Result
) async throws -> Result {
    let home = TemporaryFolder()
    return try await LoopbackServer.with({ script($0, hub) ?? hub.answer($0) }) { server in
        try await body(
            server, home, ModelStore(settings: .quick(home, endpoint: server.address)))
    }
}

extension Disk {
    static func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
}

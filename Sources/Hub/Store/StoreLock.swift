/// Makes sure that one installation is changed by one task of one process at a time.
///
/// Held until the last reference goes; the system gives it back for a process that is killed.
final class StoreLock: Sendable {
    private let file: OpenFile

    private init(_ file: OpenFile) {
        self.file = file
    }

    deinit { file.unlock() }

    /// Waits for the lock, telling once that it waits.
    static func acquire(
        _ installation: Installation, polling interval: Duration, whenWaiting: () -> Void
    ) async throws -> StoreLock {
        let file = try open(installation)
        var hasTold = false
        while try !file.tryLock() {
            if !hasTold {
                whenWaiting()
                hasTold = true
            }
            try await Task.sleep(for: interval)
        }
        return StoreLock(file)
    }

    /// Takes the lock or says that the model is in use.
    static func acquireNow(_ installation: Installation) throws(HubError) -> StoreLock {
        let file = try open(installation)
        guard try file.tryLock() else {
            throw .fileSystem(
                operation: "change the model", path: installation.root, code: 0,
                reason: "another process is pulling it")
        }
        return StoreLock(file)
    }

    private static func open(_ installation: Installation) throws(HubError) -> OpenFile {
        try Folders.make("\(installation.home)/locks")
        return try OpenFile(installation.lockPath, .lock)
    }
}

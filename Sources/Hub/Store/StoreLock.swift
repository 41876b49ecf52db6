/// Makes sure that one installation is changed by one task of one process at a time.
enum StoreLock {
    /// Waits for the lock, telling once that it waits, and gives the file that holds it.
    ///
    /// The lock is free again when the file is closed, which the system does for a killed process.
    static func acquire(
        _ installation: Installation, polling interval: Duration, whenWaiting: () -> Void
    ) async throws -> OpenFile {
        try Folders.make("\(installation.home)/locks")
        let file = try OpenFile(installation.lockPath, .lock)
        var hasTold = false
        while try !file.tryLock() {
            if !hasTold {
                whenWaiting()
                hasTold = true
            }
            try await Task.sleep(for: interval)
        }
        return file
    }

    /// Takes the lock or says that the model is in use.
    static func acquireNow(_ installation: Installation) throws(HubError) -> OpenFile {
        try Folders.make("\(installation.home)/locks")
        let file = try OpenFile(installation.lockPath, .lock)
        guard try file.tryLock() else {
            throw .fileSystem(
                operation: "change the model", path: installation.root, code: 0,
                reason: "another process is pulling it")
        }
        return file
    }
}

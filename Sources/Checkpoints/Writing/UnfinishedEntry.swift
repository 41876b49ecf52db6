#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The hidden name under which a file or folder is written until it is whole.
///
/// It is locked for as long as its writer lives. So what a killed writer left behind can be told
/// from what another one is writing, and goes when the next one begins in the same folder.
struct UnfinishedEntry {
    let path: String
    /// The open file or folder, which holds the lock.
    let handle: Int32

    private static let (prefix, suffix) = (".fathom.", ".part")

    /// Creates a file.
    static func file(in folder: String) -> UnfinishedEntry? {
        create(in: folder) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    }

    /// Creates a folder.
    static func folder(in folder: String) -> UnfinishedEntry? {
        create(in: folder) { path in
            guard mkdir(path, 0o777) == 0 else { return -1 }
            return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
    }

    /// Gives `nil` with the reason in `errno`.
    private static func create(in folder: String, _ make: (String) -> Int32) -> UnfinishedEntry? {
        removeAbandoned(in: folder)
        let parent = folder == "/" ? "" : folder
        while true {
            let number = String(UInt64.random(in: 0 ... .max), radix: 36)
            let path = "\(parent)/\(prefix)\(number)\(suffix)"
            let entry = UnfinishedEntry(path: path, handle: make(path))
            guard entry.handle >= 0 else { return nil }
            if entry.isMine { return entry }
            // Another writer took it for abandoned before it was locked.
            close(entry.handle)
        }
    }

    /// Locks the entry and tells whether it is there still. Where a file system has no locks,
    /// nobody gets one, so that nothing is removed.
    private var isMine: Bool {
        if flock(handle, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
        var status = stat()
        return fstat(handle, &status) == 0 && status.st_nlink > 0
    }

    /// Removes what killed writers left in a folder.
    private static func removeAbandoned(in folder: String) {
        for name in names(in: folder) where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
            let path = "\(folder)/\(name)"
            let handle = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard handle >= 0 else { continue }
            defer { close(handle) }
            if flock(handle, LOCK_EX | LOCK_NB) == 0 { remove(path) }
        }
    }

    /// Removes a file, or a folder with its files.
    static func remove(_ path: String) {
        guard unlink(path) != 0 else { return }
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(in folder: String) -> [String] {
        (try? FolderFiles(path: folder).list()) ?? []
    }
}

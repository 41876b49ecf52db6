import FathomJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder that appears under its name with everything in it, or not at all.
final class AtomicFolder {
    let path: String
    /// Where the folder is until `commit()`.
    var temporaryPath: String { unfinished.path }
    private let unfinished: UnfinishedEntry
    private let parent: String
    private var isCommitted = false

    /// Creates the folder under another name beside its own.
    ///
    /// - Throws: `ConversionError.alreadyExists` if the name is taken, unless by an empty folder;
    ///   `WriteError`.
    init(path: String) throws {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        self.path = String(trimmed)
        let slash = trimmed.lastIndex(of: "/")
        parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        var status = stat()
        if lstat(self.path, &status) == 0 {
            var isEmptyFolder = status.st_mode & S_IFMT == S_IFDIR
            if isEmptyFolder {
                isEmptyFolder = try FolderFiles(path: self.path).list().isEmpty
            }
            guard isEmptyFolder else { throw ConversionError.alreadyExists(path: path) }
        }
        guard let entry = UnfinishedEntry.folder(in: parent) else {
            throw WriteError(path, .system("create a folder", errno))
        }
        unfinished = entry
    }

    /// Writes a JSON file, as Python would with an indentation of two.
    func write(_ value: JSONValue, to name: String) throws {
        let bytes = value.serializedBytes(.pretty) + [0x0A]
        let file = try AtomicFile(path: "\(temporaryPath)/\(name)", byteCount: bytes.count)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }

    /// Gives the folder its name; its files are on the disk already.
    func commit() throws {
        try FileCalls.system.syncFolder(temporaryPath, of: path)
        guard FileCalls.system.rename(temporaryPath, path) == 0 else {
            throw WriteError(path, .system("rename", errno))
        }
        isCommitted = true
        try FileCalls.system.syncFolder(parent, of: path)
    }

    deinit {
        if !isCommitted { UnfinishedEntry.remove(temporaryPath) }
        close(unfinished.handle)
    }
}

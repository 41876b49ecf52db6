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
    let temporaryPath: String
    private let parent: String
    private var isOpen = true

    /// Creates the folder under another name beside its own.
    ///
    /// - Throws: `ConversionError.alreadyExists` if the name is taken, unless by an empty folder;
    ///   `WriteError`.
    init(path: String) throws {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        self.path = String(trimmed)
        let slash = trimmed.lastIndex(of: "/")
        let name = slash.map { trimmed[trimmed.index(after: $0)...] } ?? trimmed
        parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        var status = stat()
        if lstat(self.path, &status) == 0 {
            var isEmptyFolder = status.st_mode & S_IFMT == S_IFDIR
            if isEmptyFolder {
                isEmptyFolder = try FolderFiles(path: self.path).list().isEmpty
            }
            guard isEmptyFolder else { throw ConversionError.alreadyExists(path: path) }
        }
        let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
        temporaryPath = "\(parent == "/" ? "" : parent)/.\(name.prefix(200)).\(suffix).part"
        guard mkdir(temporaryPath, 0o777) == 0 else {
            isOpen = false
            throw WriteError(path, .system("create a folder", errno))
        }
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
        isOpen = false
        try FileCalls.system.syncFolder(parent, of: path)
    }

    deinit {
        guard isOpen else { return }
        for name in (try? FolderFiles(path: temporaryPath).list()) ?? [] {
            unlink("\(temporaryPath)/\(name)")
        }
        rmdir(temporaryPath)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder of the system's disks.
package struct SystemFolder: CollectionFolder {
    package let path: String

    /// - Parameter creating: whether the folder may have to be made.
    package init(_ path: String, creating: Bool) throws(CollectionError) {
        self.path = path
        guard creating, mkdir(path, 0o777) != 0 else {
            if creating { try Self.syncFolder(Self.parent(of: path)) }
            return
        }
        let code = errno
        var status = stat()
        guard code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .system(path, "make the folder", code)
        }
    }

    private static func parent(of path: String) -> String {
        var name = path[...]
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    package func list() throws(CollectionError) -> [String] {
        guard let folder = opendir(path) else {
            throw errno == ENOENT
                ? CollectionError(path, .notACollection) : .system(path, "list the folder", errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func contents(_ name: String) throws(CollectionError) -> any FileContents {
        let path = path(of: name)
        do {
            return MappedContents(try MappedIndexFile(path: path))
        } catch {
            if case .system(_, ENOENT) = error.reason {
                throw CollectionError(self.path, .missing(name))
            }
            if case .system(let action, let code) = error.reason {
                throw .system(path, action, code)
            }
            throw .damaged(path, "file", found: error)
        }
    }

    package func create(_ name: String) throws(CollectionError) -> any AppendableFile {
        let path = path(of: name)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(path, "create the file", errno) }
        return SystemFile(path, file)
    }

    package func append(
        to name: String, from length: Int
    ) throws(CollectionError) -> any AppendableFile {
        let path = path(of: name)
        let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard file >= 0 else { throw .system(path, "open the file", errno) }
        let result = SystemFile(path, file)
        try result.cut(to: length)
        return result
    }

    package func rename(_ name: String, to newName: String) throws(CollectionError) {
        guard renameFile(path(of: name), path(of: newName)) == 0 else {
            throw .system(path(of: newName), "rename the file", errno)
        }
    }

    package func remove(_ name: String) throws(CollectionError) {
        guard unlink(path(of: name)) == 0 else {
            throw .system(path(of: name), "remove the file", errno)
        }
    }

    package func sync() throws(CollectionError) { try Self.syncFolder(path) }

    private static func syncFolder(_ path: String) throws(CollectionError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .system(path, "open the folder", errno) }
        defer { close(folder) }
        // Some file systems cannot bring a folder to disk, and say so with EINVAL.
        guard SystemFile.sync(folder) == 0 || errno == EINVAL else {
            throw .system(path, "bring the folder to disk", errno)
        }
    }

    package func lock() throws(CollectionError) -> any Sendable {
        try FolderLock(path(of: FileNames.lock), folder: path)
    }
}

private final class MappedContents: FileContents {
    private let file: MappedIndexFile

    init(_ file: MappedIndexFile) { self.file = file }

    var bytes: UnsafeRawBufferPointer { file.bytes }

    func checkIntact() throws(CollectionError) {
        do {
            try file.checkIntact()
        } catch {
            throw .damaged(file.path, "file", found: "it was cut short while it was in use")
        }
    }
}

private final class SystemFile: AppendableFile {
    private let path: String
    private let file: Int32

    init(_ path: String, _ file: Int32) {
        self.path = path
        self.file = file
    }

    deinit { close(file) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(CollectionError) {
        var written = 0
        while written < bytes.count {
            let count = write(
                file, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .system(
                    path, "write", count < 0 ? errno : EIO, neededBytes: bytes.count - written)
            }
            written += count
        }
    }

    func cut(to length: Int) throws(CollectionError) {
        while ftruncate(file, off_t(length)) != 0 {
            guard errno == EINTR else { throw .system(path, "cut the file", errno) }
        }
    }

    func sync() throws(CollectionError) {
        guard Self.sync(file) == 0 else { throw .system(path, "bring to disk", errno) }
    }

    static func sync(_ handle: Int32) -> Int32 {
        #if canImport(Darwin)
            // `fsync` leaves the bytes in the drive's cache there.
            fcntl(handle, F_FULLFSYNC)
        #else
            fsync(handle)
        #endif
    }
}

/// The lock of the only writer. The system gives it back for a process that is killed; the number
/// in the file is for people.
private final class FolderLock: Sendable {
    private let file: Int32

    init(_ path: String, folder: String) throws(CollectionError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system(path, "open the lock", errno) }
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let code = errno
            defer { close(file) }
            guard code == EWOULDBLOCK else { throw .system(path, "lock", code) }
            throw CollectionError(folder, .inUse(process: Self.process(in: file)))
        }
        self.file = file
        _ = ftruncate(file, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = pwrite(file, text, text.count, 0)
    }

    private static func process(in file: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 24)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }

    deinit {
        // Closing is not enough: a child process between `fork` and `exec` has the file open too.
        _ = flock(file, LOCK_UN)
        close(file)
    }
}

/// Outside the type, so that its own name does not hide the system's.
private func renameFile(_ from: String, _ to: String) -> Int32 { rename(from, to) }

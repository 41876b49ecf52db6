#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name whole and durable, or not at all.
///
/// Bytes go to a new file beside the target; `commit()` brings them to the disk, renames the file
/// over the target and brings the folder to the disk. Until then, and after any error, what stood
/// under the name before stands there still.
final class AtomicIndexFile {
    private let path: String
    private let folder: String
    private let temporaryPath: String
    private var file: Int32
    private var byteCount = 0

    init(path: String) throws(IndexFileError) {
        self.path = path
        let slash = path.lastIndex(of: "/")
        folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        var status = stat()
        if name.isEmpty || stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
            throw IndexFileError(path: path, .notAFile)
        }
        var generator = SystemRandomNumberGenerator()
        var attempt = 0
        while true {
            let suffix = String(UInt64.random(in: 0 ... .max, using: &generator), radix: 36)
            let candidate = "\(folder)/.\(name.prefix(100)).\(suffix).unfinished"
            let handle = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if handle >= 0 {
                (temporaryPath, file) = (candidate, handle)
                return
            }
            attempt += 1
            guard errno == EEXIST, attempt < 16 else {
                throw IndexFileError(path: path, .system("create a file", errno))
            }
        }
    }

    func append(_ bytes: [UInt8]) throws(IndexFileError) {
        precondition(file >= 0, "the file was committed or discarded")
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(file, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("write", count < 0 ? errno : EIO) }
            written += count
        }
        byteCount += bytes.count
    }

    func commit() throws(IndexFileError) {
        precondition(file >= 0, "the file was committed or discarded")
        guard sync(file) == 0 else { throw failed("bring to disk", errno) }
        guard renameFile(temporaryPath, path) == 0 else { throw failed("rename", errno) }
        close(file)
        file = -1
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else {
            throw IndexFileError(path: path, .system("open the folder", errno))
        }
        defer { close(handle) }
        // Some file systems cannot bring a folder to disk, and say so with EINVAL.
        guard sync(handle) == 0 || errno == EINVAL else {
            throw IndexFileError(path: path, .system("bring the folder to disk", errno))
        }
    }

    private func sync(_ handle: Int32) -> Int32 {
        #if canImport(Darwin)
            // `fsync` leaves the bytes in the drive's cache there.
            fcntl(handle, F_FULLFSYNC)
        #else
            fsync(handle)
        #endif
    }

    /// Removes the new file, if it was not committed.
    private func discard() {
        guard file >= 0 else { return }
        close(file)
        file = -1
        unlink(temporaryPath)
    }

    deinit { discard() }

    private func failed(_ action: String, _ code: Int32) -> IndexFileError {
        discard()
        if code == ENOSPC || code == EDQUOT || code == EFBIG {
            return IndexFileError(path: path, .noRoom(neededBytes: byteCount))
        }
        return IndexFileError(path: path, .system(action, code))
    }
}

/// Outside the type, so that its own names do not hide the system's.
private func renameFile(_ from: String, _ to: String) -> Int32 { rename(from, to) }

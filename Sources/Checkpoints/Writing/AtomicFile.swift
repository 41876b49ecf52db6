#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name whole and durable, or not at all.
///
/// Bytes go to a new file beside the target; `commit()` brings them to the disk, renames the file
/// over the target and brings the folder to the disk. Until then, and after any error, what stood
/// under the name before stands there still. A link under the name is replaced, not followed.
/// What a killed process left goes when the next file is written into the same folder.
package final class AtomicFile {
    let path: String
    private let byteCount: Int
    private let temporaryPath: String
    private let folder: String
    private let calls: FileCalls
    private var file: Int32

    /// Creates the new file.
    ///
    /// - Parameter byteCount: how long the file will be.
    /// - Throws: `WriteError`, also where the disk has no room for `byteCount`.
    init(path: String, byteCount: Int, calls: FileCalls = .system) throws(WriteError) {
        self.path = path
        self.byteCount = byteCount
        self.calls = calls
        let slash = path.lastIndex(of: "/")
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var status = stat()
        if name.isEmpty || stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
            throw WriteError(path, .notAFile)
        }
        var space = statvfs()
        if statvfs(folder, &space) == 0 {
            let free = UInt64(space.f_bavail).multipliedReportingOverflow(
                by: UInt64(space.f_frsize))
            if !free.overflow, free.partialValue < UInt64(max(0, byteCount)) {
                throw WriteError(
                    path, .noRoom(neededBytes: byteCount, freeBytes: Int(free.partialValue)))
            }
        }
        guard let entry = UnfinishedEntry.file(in: folder) else {
            throw WriteError(path, .system("create a file", errno))
        }
        (temporaryPath, file) = (entry.path, entry.handle)
    }

    /// Writes bytes at a place of the file.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(WriteError) {
        precondition(file >= 0, "the file was committed or discarded")
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = calls.write(file, rest, offset + written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("write", count < 0 ? errno : EIO) }
            written += count
        }
    }

    /// Makes the file durable and gives it its name.
    func commit() throws(WriteError) {
        precondition(file >= 0, "the file was committed or discarded")
        guard ftruncate(file, off_t(byteCount)) == 0 else { throw failed("set the length", errno) }
        guard calls.sync(file) == 0 else { throw failed("bring to disk", errno) }
        guard calls.rename(temporaryPath, path) == 0 else { throw failed("rename", errno) }
        close(file)
        file = -1
        try calls.syncFolder(folder, of: path)
    }

    /// Replaces what a file holds; its permissions stay, and a link stays one to the new file.
    package static func replace(_ path: String, with bytes: [UInt8]) throws {
        var status = stat()
        guard let target = realpath(path, nil), stat(target, &status) == 0 else {
            throw WriteError(path, .system("find the file", errno))
        }
        defer { free(target) }
        let file = try AtomicFile(path: String(cString: target), byteCount: bytes.count)
        guard fchmod(file.file, status.st_mode & 0o7777) == 0 else {
            throw file.failed("set permissions", errno)
        }
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }

    /// Writes a whole file, as this type promises.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try AtomicFile(path: path, byteCount: bytes.count)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }

    /// Removes the new file, if it was not committed.
    func discard() {
        guard file >= 0 else { return }
        close(file)
        file = -1
        unlink(temporaryPath)
    }

    deinit { discard() }

    private func failed(_ action: String, _ code: Int32) -> WriteError {
        discard()
        if code == ENOSPC || code == EDQUOT || code == EFBIG {
            return WriteError(path, .diskFull(neededBytes: byteCount))
        }
        return WriteError(path, .system(action, code))
    }
}

/// The calls by which bytes reach a disk; tests put failing ones in their place.
package struct FileCalls: Sendable {
    package var write: @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int = {
        file, bytes, offset in
        pwrite(file, bytes.baseAddress, bytes.count, off_t(offset))
    }
    package var sync: @Sendable (Int32) -> Int32 = { file in
        #if canImport(Darwin)
            // `fsync` leaves the bytes in the drive's cache there.
            fcntl(file, F_FULLFSYNC)
        #else
            fsync(file)
        #endif
    }
    package var rename: @Sendable (String, String) -> Int32 = { from, to in renameFile(from, to) }

    package static let system = FileCalls()

    /// Brings a folder's entries to the disk.
    func syncFolder(_ folder: String, of path: String) throws(WriteError) {
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw WriteError(path, .system("open the folder", errno)) }
        defer { close(handle) }
        // Some file systems cannot, and say so with EINVAL.
        guard sync(handle) == 0 || errno == EINVAL else {
            throw WriteError(path, .system("bring the folder to disk", errno))
        }
    }
}

/// Outside the type, whose own `rename` would hide the system's.
private func renameFile(_ from: String, _ to: String) -> Int32 { rename(from, to) }

/// Why a file could not be written; what stood under its name before stands there still.
public struct WriteError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// Something that is no regular file has the name.
        case notAFile
        /// Too little room, found before writing.
        case noRoom(neededBytes: Int, freeBytes: Int)
        /// Too little room, found while writing.
        case diskFull(neededBytes: Int)
        /// A refusal of the system: what was tried, and its error number.
        case system(String, Int32)
    }

    public let path: String
    public let reason: Reason

    init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .notAFile:
            "\(path): is not the name of a regular file"
        case .noRoom(let needed, let free):
            "\(path): needs \(needed) bytes, but the disk has \(free) free; make room and repeat"
        case .diskFull(let needed):
            "\(path): the disk is full; the file needs \(needed) bytes. Nothing was changed"
        case .system(let action, let code):
            "\(path): could not \(action) (\(SystemError.text(code))). Nothing was changed"
        }
    }
}

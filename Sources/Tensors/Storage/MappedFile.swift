import FathomKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file in memory, read when touched.
///
/// A file that is cut short while it is mapped does not end the process: the lost part reads as
/// zeros, and `checkIntact()` throws from then on. Callers check after the work that read it.
public final class MappedFile: @unchecked Sendable {
    public let path: String
    public let byteCount: Int
    private let base: UnsafeMutableRawPointer?
    private let slot: Int32

    /// Maps a file whole.
    ///
    /// - Throws: `FileError` if it cannot be opened, is no regular file, or cannot be mapped.
    public init(path: String) throws(FileError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw FileError(path, .cannotOpen(errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileError(path, .cannotOpen(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path, .notAFile) }
        self.path = path
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            base = nil
            slot = -1
            return
        }
        var guardSlot: Int32 = -1
        guard let address = fk_mapping_create(file, byteCount, &guardSlot) else {
            throw FileError(path, .cannotMap(errno))
        }
        base = address
        slot = guardSlot
    }

    /// Lends the file's bytes.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E)
        -> R
    {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// A range of the file as tensor storage.
    ///
    /// - Returns: `nil` if the range leaves the file.
    public func storage(offset: Int, byteCount count: Int) -> Storage? {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            return nil
        }
        guard let base else { return Storage(byteCount: 0) }
        return Storage(borrowing: base + offset, byteCount: count, owner: self)
    }

    /// Throws if part of the file vanished while it was in use.
    public func checkIntact() throws(FileError) {
        if fk_mapping_is_damaged(slot) != 0 { throw FileError(path, .cutShort) }
    }

    deinit {
        if let base { fk_mapping_release(base, byteCount, slot) }
    }
}

/// Why a file could not be used.
public struct FileError: Error, Hashable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case cannotOpen(Int32)
        case cannotMap(Int32)
        case notAFile
        case cutShort
    }

    public let path: String
    public let reason: Reason

    init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .cannotOpen(let code): "\(path): \(String(cString: strerror(code)))"
        case .cannotMap(let code):
            "\(path): cannot be mapped into memory (\(String(cString: strerror(code))))"
        case .notAFile: "\(path): is not a regular file"
        case .cutShort:
            "\(path): the file was cut short while it was in use; fetch or copy it again"
        }
    }
}

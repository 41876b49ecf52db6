import FathomKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file in memory, read when touched.
///
/// A file that is cut short while it is mapped does not end the process: the lost part reads as
/// zeros, and `checkIntact()` throws from then on.
final class MappedIndexFile: @unchecked Sendable {
    let path: String
    let byteCount: Int
    private let base: UnsafeMutableRawPointer?
    private let slot: Int32

    init(path: String) throws(IndexFileError) {
        self.path = path
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw IndexFileError(path: path, .system("open", errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            throw IndexFileError(path: path, .system("open", errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw IndexFileError(path: path, .notAFile)
        }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            base = nil
            slot = -1
            return
        }
        var guardSlot: Int32 = -1
        guard let address = fk_mapping_create(file, byteCount, &guardSlot) else {
            throw IndexFileError(path: path, .system("map into memory", errno))
        }
        base = address
        slot = guardSlot
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// Throws if part of the file vanished while it was in use.
    func checkIntact() throws(IndexFileError) {
        if fk_mapping_is_damaged(slot) != 0 {
            throw IndexFileError(path: path, .changedWhileRead)
        }
    }

    deinit {
        if let base { fk_mapping_release(base, byteCount, slot) }
    }
}

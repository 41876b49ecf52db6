#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An open file that closes itself when the last reference goes.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    /// Opens without following a link at the last component, so that nothing planted in a cache
    /// folder can redirect a write.
    init(_ path: String, _ use: Use) throws(HubError) {
        let flags =
            switch use {
            case .read: O_RDONLY
            case .resume: O_RDWR | O_CREAT
            case .create: O_RDWR | O_CREAT | O_EXCL
            case .lock: O_RDWR | O_CREAT
            }
        var descriptor: Int32
        repeat {
            descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o644)
        } while descriptor == -1 && errno == EINTR
        guard descriptor >= 0 else { throw FileFault.last(use.rawValue, path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { _ = close(descriptor) }

    enum Use: String {
        case read = "read the file"
        case resume = "write the file"
        case create = "create the file"
        case lock = "lock"
    }

    var bytes: Int64 {
        get throws(HubError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileFault.last("stat", path) }
            return Int64(status.st_size)
        }
    }

    /// Writes every byte at an offset, whatever the system takes at once.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(HubError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(
                descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            if count == -1 && errno == EINTR { continue }
            guard count > 0 else {
                throw FileFault.last("write", path, neededBytes: Int64(rest.count))
            }
            written += count
        }
    }

    /// Fills as much of the buffer as the file has from the offset on; 0 at its end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(HubError) -> Int
    {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(
                descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
            if count == -1 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFault.last("read", path) }
            guard count > 0 else { break }
            filled += count
        }
        return filled
    }

    /// Reads a range; fewer bytes come back only where the file ends.
    func read(_ count: Int, at offset: Int64) throws(HubError) -> [UInt8] {
        var fault: HubError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(HubError) {
                filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        return bytes
    }

    func truncate(to bytes: Int64) throws(HubError) {
        var result: Int32
        repeat { result = ftruncate(descriptor, off_t(bytes)) } while result == -1 && errno == EINTR
        guard result == 0 else { throw FileFault.last("truncate", path) }
    }

    /// Returns once the content is on the medium, as far as the system can tell.
    func sync() throws(HubError) {
        #if canImport(Darwin)
            // fsync stops at the drive's cache there.
            if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
        #endif
        guard fsync(descriptor) == 0 else { throw FileFault.last("sync", path) }
    }

    /// Takes an exclusive lock; false when somebody else holds it.
    ///
    /// The lock belongs to this opening of the file: two tasks of one process exclude each other
    /// as two processes do, and a killed process leaves none behind.
    func tryLock() throws(HubError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw FileFault.last("lock", path) }
            return false
        }
        return true
    }

    /// Gives the lock back.
    ///
    /// Closing is not enough: a child process between `fork` and `exec` has the file open too.
    func unlock() {
        _ = flock(descriptor, LOCK_UN)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Turns the system's error numbers into errors of this library.
enum FileFault {
    /// Makes the error of the call that has just returned -1.
    ///
    /// A full disk becomes ``HubError/notEnoughSpace(path:neededBytes:freeBytes:)`` wherever it is
    /// met, because the check before a download cannot reserve anything.
    static func last(_ operation: String, _ path: String, neededBytes: Int64 = 0) -> HubError {
        let code = errno
        if code == ENOSPC || code == EDQUOT {
            return .notEnoughSpace(
                path: path, neededBytes: neededBytes,
                freeBytes: (try? FreeSpace.bytes(at: path)) ?? 0)
        }
        return .fileSystem(
            operation: operation, path: path, code: code, reason: String(cString: strerror(code)))
    }

    static func isPermission(_ code: Int32) -> Bool {
        code == EACCES || code == EROFS || code == EPERM
    }
}

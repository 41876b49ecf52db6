#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension TextFile {
    /// Writes a whole file; an old one stays until the new one is complete.
    static func write(_ text: String, to path: String) throws {
        let partial = path + ".partial"
        let file = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw ToolError("\(path): \(String(cString: strerror(errno)))") }
        var text = text
        var code: Int32 = text.withUTF8 { writeAll(file, UnsafeRawBufferPointer($0)) }
        if close(file) != 0, code == 0 { code = errno }
        if code == 0, rename(partial, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(partial)
            throw ToolError("\(path): \(String(cString: strerror(code)))")
        }
    }
}

/// Writes all bytes; gives the error number, 0 for none.
private func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    var offset = 0
    while offset < bytes.count, let base = bytes.baseAddress {
        let written = write(file, base + offset, bytes.count - offset)
        if written > 0 {
            offset += written
        } else if errno != EINTR {
            return errno
        }
    }
    return 0
}

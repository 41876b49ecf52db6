import FathomJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads whole text files.
enum TextFile {
    /// The most bytes read into memory.
    static let maximumBytes = 1 << 30

    /// The text of a file; `-` is standard input.
    static func read(_ path: String) throws -> String {
        if path == "-" { return try StandardInput.text() }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw ToolError("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { readBytes(file, $0.baseAddress, $0.count) }
            if count == 0 { break }
            guard count > 0 else { throw ToolError("\(path): \(String(cString: strerror(errno)))") }
            bytes += buffer[..<count]
            guard bytes.count <= maximumBytes else {
                throw ToolError("\(path): larger than \(maximumBytes >> 20) MiB")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ToolError("\(path): not valid UTF-8")
        }
        return text
    }

    /// The JSON value that a file holds.
    static func json(_ path: String) throws -> JSONValue {
        do {
            return try JSONValue(parsing: read(path))
        } catch let error as JSONError {
            throw ToolError("\(path): \(error)")
        }
    }
}

/// `read(2)`, which `TextFile.read` would hide.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, buffer, count)
}

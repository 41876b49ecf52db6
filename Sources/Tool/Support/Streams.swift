import FathomJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes to standard output without Swift's line buffering; a closed reader ends the program
/// quietly, as pipes want it.
enum StandardOutput {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { writeAll(1, UnsafeRawBufferPointer($0)) }
    }

    static var isTerminal: Bool { isatty(1) == 1 }
}

enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { writeAll(2, UnsafeRawBufferPointer($0)) }
    }

    static var isTerminal: Bool { isatty(2) == 1 }
}

private func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset < bytes.count, let base = bytes.baseAddress {
        let written = write(file, base + offset, bytes.count - offset)
        if written > 0 {
            offset += written
        } else if errno == EPIPE {
            // The reader has what it wanted (`| head`): that is no failure of ours.
            exit(0)
        } else if errno != EINTR && errno != EAGAIN {
            if file == 1 {
                StandardError.write("standard output: \(String(cString: strerror(errno)))\n")
            }
            exit(1)
        }
    }
}

/// Collects lines and writes them in large pieces.
struct LineOutput {
    private var pending = ""

    mutating func write(_ line: String) {
        pending += line
        pending += "\n"
        if pending.utf8.count > 1 << 16 { flush() }
    }

    mutating func flush() {
        StandardOutput.write(pending)
        pending = ""
    }
}

/// Standard input, line by line, as bytes.
enum StandardInput {
    static var isTerminal: Bool { isatty(0) == 1 }

    struct Lines {
        private var buffer: [UInt8] = []
        private var start = 0
        private var isAtEnd = false

        /// The next line without its newline; `nil` at the end.
        mutating func next() throws -> ArraySlice<UInt8>? {
            var searched = start
            while true {
                if let end = buffer[searched...].firstIndex(of: 0x0a) {
                    defer { start = end + 1 }
                    return buffer[start..<end]
                }
                searched = buffer.count
                if isAtEnd {
                    guard start < buffer.count else { return nil }
                    defer { start = buffer.count }
                    return buffer[start...]
                }
                let offset = searched - start
                try fill()
                searched = start + offset
            }
        }

        /// The bytes that are left.
        mutating func rest() throws -> ArraySlice<UInt8> {
            while !isAtEnd { try fill() }
            defer { start = buffer.count }
            return buffer[start...]
        }

        private mutating func fill() throws {
            buffer.removeFirst(start)
            start = 0
            let old = buffer.count
            let room = 1 << 16
            buffer.append(contentsOf: repeatElement(0, count: room))
            var count = 0
            repeat {
                count = buffer.withUnsafeMutableBytes { bytes in
                    bytes.baseAddress.map { read(0, $0 + old, room) } ?? 0
                }
            } while count < 0 && errno == EINTR
            guard count >= 0 else {
                throw ToolError("standard input: \(String(cString: strerror(errno)))")
            }
            buffer.removeLast(room - count)
            if count == 0 { isAtEnd = true }
        }
    }

    static func lines() -> Lines { Lines() }

    /// Everything that is left, as text.
    static func text() throws -> String {
        var lines = Lines()
        let bytes = try lines.rest()
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ToolError("standard input: not valid UTF-8")
        }
        return text
    }

    static func parse(_ line: ArraySlice<UInt8>, _ number: Int) throws -> JSONValue {
        do {
            return try JSONValue(parsing: Array(line))
        } catch {
            throw ToolError("line \(number): \(error)")
        }
    }
}

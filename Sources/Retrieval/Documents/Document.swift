#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reading documents.
enum Document {
    /// Larger files are data.
    static let maximumBytes = 16 << 20

    /// Why a file is passed over.
    enum Refusal: String, Error, Sendable, Hashable, CaseIterable {
        case notText = "not UTF-8 text"
        case tooLarge = "too large"
        case unreadable = "unreadable"
    }

    /// The bytes of a text file; a mark of the byte order at its start stays.
    ///
    /// - Throws: `Refusal`.
    static func read(_ path: String) throws(Refusal) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw .unreadable }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable
        }
        guard status.st_size <= maximumBytes else { throw .tooLarge }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size) + 1)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { readBytes(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable }
            if count == 0 { break }
            bytes += buffer[..<count]
            // What is no text shows early, mostly.
            if bytes.count == count, bytes.contains(0) { throw .notText }
            guard bytes.count <= maximumBytes else { throw .tooLarge }
        }
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw .notText
        }
        return bytes
    }

    /// A 64-bit sum of bytes that tells changed documents (FNV-1a; Fowler, Noll, Vo 1991).
    static func hash(_ bytes: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}

/// Outside the type, whose own `read` would hide the system's.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, buffer, count)
}

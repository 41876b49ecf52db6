#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A new empty folder that vanishes, with what is in it, when the value does.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        path = "\(base)/fathom-test-\(UInt64.random(in: 0 ... .max))"
        guard mkdir(path, 0o700) == 0 else { throw TemporaryFolderError(code: errno) }
    }

    deinit {
        Self.remove(path)
    }

    /// The path of an entry.
    public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and gives its path.
    @discardableResult
    public func write(_ bytes: some Collection<UInt8>, to name: String) throws -> String {
        let target = self(name)
        let file = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TemporaryFolderError(code: errno) }
        defer { close(file) }
        let bytes = Array(bytes)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                writeToFile(file, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            guard count > 0 else { throw TemporaryFolderError(code: errno) }
            written += count
        }
        return target
    }

    /// The names of what is in the folder, sorted.
    public var contents: [String] { Self.list(path).sorted() }

    private static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in list(path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

public struct TemporaryFolderError: Error {
    public let code: Int32
}

private func writeToFile(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}

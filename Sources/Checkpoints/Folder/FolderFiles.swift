public import FathomJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files of one folder, found by plain names and never outside it.
///
/// Links are followed only where they stay in the folder, or, in a snapshot of the Hugging Face
/// cache (`models--NAME/snapshots/REVISION`, whose files are links to `../../blobs`), in the cache
/// of that model.
public struct FolderFiles: Sendable {
    /// The folder's path, as it was given.
    public let path: String
    /// The same without links.
    private let root: String
    /// Where links may lead: the folder, or the model's part of the cache.
    private let linkRoot: String

    /// - Throws: `ModelFolderError` if there is no such folder.
    public init(path: String) throws(ModelFolderError) {
        guard let root = Self.resolved(path), Self.kind(root) == S_IFDIR else {
            throw ModelFolderError(path, .notAFolder)
        }
        self.path = path
        self.root = root
        let parts = root.split(separator: "/")
        if parts.count >= 3, parts[parts.count - 2] == "snapshots",
            parts[parts.count - 3].hasPrefix("models--")
        {
            linkRoot = "/" + parts.dropLast(2).joined(separator: "/")
        } else {
            linkRoot = root
        }
    }

    /// Where a file of the folder is, links resolved; nil if it is not there.
    ///
    /// - Throws: `ModelFolderError` for a name with a path in it, a link that leaves the folder,
    ///   and anything that is not a regular file.
    public func path(of name: String) throws(ModelFolderError) -> String? {
        guard Self.isPlain(name) else { throw error(.badFileName(name)) }
        let direct = root + "/" + name
        guard let target = Self.resolved(direct) else { return nil }
        guard target.hasPrefix(linkRoot == "/" ? "/" : linkRoot + "/") else {
            throw error(.leavesFolder(file: name))
        }
        guard Self.kind(target) == S_IFREG else { throw error(.notAFile(name)) }
        return target
    }

    /// The bytes of a file of the folder; nil if it is not there.
    public func bytes(
        of name: String, limit: Int = 256 << 20
    ) throws(ModelFolderError) -> [UInt8]? {
        guard let target = try path(of: name) else { return nil }
        let file = open(target, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw error(.unreadable(file: name, code: errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            throw error(.unreadable(file: name, code: errno))
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw error(.fileTooLarge(file: name, bytes: size, limit: limit))
        }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size, let start = buffer.baseAddress {
                let got = read(file, start + count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                if got <= 0 { return }
                count += got
            }
        }
        guard code == 0 else { throw error(.unreadable(file: name, code: code)) }
        return bytes
    }

    /// The object a JSON file of the folder holds; nil if the file is not there.
    public func object(
        of name: String, limits: JSONLimits = .default
    ) throws(ModelFolderError) -> JSONObject? {
        guard let bytes = try bytes(of: name, limit: limits.maximumBytes) else { return nil }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, limits: limits)
        } catch {
            throw self.error(.json(file: name, error))
        }
        guard let object = value.objectValue else {
            throw error(
                .unexpected(file: name, found: value.kindDescription, expected: "an object"))
        }
        return object
    }

    /// The names of everything in the folder, sorted.
    public func list() throws(ModelFolderError) -> [String] {
        guard let folder = opendir(root) else { throw error(.notAFolder) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func error(_ reason: ModelFolderError.Reason) -> ModelFolderError {
        ModelFolderError(path, reason)
    }

    private static func isPlain(_ name: String) -> Bool {
        let bytes = name.utf8
        return !name.isEmpty && name != "." && name != ".." && bytes.count <= 255
            && !bytes.contains { $0 == 0 || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
    }

    private static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}

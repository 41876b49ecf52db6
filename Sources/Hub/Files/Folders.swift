#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Folders and the files in them, as the system sees them.
enum Folders {
    enum Kind { case file, folder, other }

    struct Status {
        let kind: Kind
        let bytes: Int64
    }

    /// Looks at a path, following links; nothing when there is nothing there.
    static func status(of path: String) -> Status? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Status(status)
    }

    /// Looks at a path itself, not through a link.
    static func ownStatus(of path: String) -> Status? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return Status(status)
    }

    static func parent(of path: String) -> String? {
        let trimmed = path.hasSuffix("/") && path.utf8.count > 1 ? String(path.dropLast()) : path
        guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        guard slash != trimmed.startIndex else { return trimmed == "/" ? nil : "/" }
        return String(trimmed[..<slash])
    }

    /// Makes a folder and what is missing above it.
    static func make(_ path: String) throws(HubError) {
        var missing: [String] = []
        var place = path
        while status(of: place) == nil {
            missing.append(place)
            guard let parent = parent(of: place) else { break }
            place = parent
        }
        for folder in missing.reversed() where mkdir(folder, 0o755) != 0 {
            guard errno == EEXIST else { throw FileFault.last("make the folder", folder) }
        }
        guard status(of: path)?.kind == .folder else {
            throw .fileSystem(
                operation: "make the folder", path: path, code: ENOTDIR,
                reason: "something else has that name")
        }
    }

    /// Names in a folder, sorted; none when there is no such folder.
    static func names(in path: String) throws(HubError) -> [String] {
        guard let folder = opendir(path) else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw FileFault.last("list the folder", path)
            }
            return []
        }
        defer { _ = closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw FileFault.last("list the folder", path) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Bytes of all files below a folder.
    static func bytes(below path: String) throws(HubError) -> Int64 {
        var total: Int64 = 0
        var folders = [path]
        while let folder = folders.popLast() {
            for name in try names(in: folder) {
                let child = "\(folder)/\(name)"
                guard let status = ownStatus(of: child) else { continue }
                switch status.kind {
                case .folder: folders.append(child)
                case .file: total &+= status.bytes
                case .other: break
                }
            }
        }
        return total
    }

    /// Removes a file or a folder with all it holds; links are removed, never followed.
    ///
    /// - Returns: The bytes of the files removed.
    @discardableResult
    static func removeTree(_ path: String) throws(HubError) -> Int64 {
        guard let top = ownStatus(of: path) else { return 0 }
        guard top.kind == .folder else { return try removeFile(path) }
        var freed: Int64 = 0
        var emptied: [String] = []
        var folders = [path]
        while let folder = folders.popLast() {
            emptied.append(folder)
            for name in try names(in: folder) {
                let child = "\(folder)/\(name)"
                if ownStatus(of: child)?.kind == .folder {
                    folders.append(child)
                } else {
                    freed &+= try removeFile(child)
                }
            }
        }
        for folder in emptied.reversed() where rmdir(folder) != 0 && errno != ENOENT {
            throw FileFault.last("remove the folder", folder)
        }
        return freed
    }

    /// Removes a file that may be gone already and says how many bytes it had.
    @discardableResult
    static func removeFile(_ path: String) throws(HubError) -> Int64 {
        let bytes = ownStatus(of: path)?.bytes ?? 0
        guard unlink(path) == 0 || errno == ENOENT else {
            throw FileFault.last("remove the file", path)
        }
        return bytes
    }

    /// Removes a folder if nothing is left in it.
    static func removeIfEmpty(_ path: String) {
        _ = rmdir(path)
    }

    /// Gives a finished file its final name so that a crash leaves either the old or the new one.
    ///
    /// The content must have been synced before.
    static func publish(_ path: String, as final: String) throws(HubError) {
        guard rename(path, final) == 0 else { throw FileFault.last("rename to \(final)", path) }
        if let folder = parent(of: final) { try sync(folder) }
    }

    /// Makes the names in a folder durable.
    static func sync(_ path: String) throws(HubError) {
        let folder = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard folder >= 0 else { throw FileFault.last("open the folder", path) }
        defer { _ = close(folder) }
        // Some file systems have nothing to sync in a folder and say so with EINVAL.
        guard fsync(folder) == 0 || errno == EINVAL else {
            throw FileFault.last("sync the folder", path)
        }
    }

    /// Writes a small file whole or not at all.
    static func write(_ bytes: [UInt8], atomicallyTo path: String) throws(HubError) {
        let draft = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36))"
        do throws(HubError) {
            let file = try OpenFile(draft, .create)
            var fault: HubError?
            bytes.withUnsafeBytes { buffer in
                do throws(HubError) { try file.write(buffer, at: 0) } catch { fault = error }
            }
            if let fault { throw fault }
            try file.sync()
            try publish(draft, as: path)
        } catch {
            _ = unlink(draft)
            throw error
        }
    }

    /// Reads a small file; nothing when it is missing or longer than the limit.
    static func read(_ path: String, limit: Int) throws(HubError) -> [UInt8]? {
        guard let status = status(of: path), status.kind == .file, status.bytes <= limit else {
            return nil
        }
        return try OpenFile(path, .read).read(Int(status.bytes), at: 0)
    }
}

extension Folders.Status {
    fileprivate init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        bytes = Int64(status.st_size)
    }
}

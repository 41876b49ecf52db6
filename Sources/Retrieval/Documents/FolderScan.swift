#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The regular files of a folder and those in it, without hidden ones.
///
/// Links are not followed: what one leads to within the folder is found at its own place, and what
/// it leads to outside is not of the folder.
struct FolderScan {
    struct File: Sendable, Hashable {
        /// The path from the folder on.
        let path: String
        let byteCount: Int
        /// The time of the last change, in nanoseconds since 1970.
        let modified: Int
    }

    /// The folder's path without links.
    let root: String
    /// Sorted by the bytes of their paths.
    private(set) var files: [File] = []
    /// Folders that could not be looked into.
    private(set) var unreadable: [String] = []

    /// - Parameter excluded: a folder that is passed over, such as the index itself.
    /// - Throws: `RetrievalError.notAFolder`.
    init(_ folder: String, excluding excluded: String? = nil) throws(RetrievalError) {
        guard let root = Self.resolved(folder), let handle = opendir(root) else {
            throw .notAFolder(path: folder)
        }
        closedir(handle)
        self.root = root
        let excluded = excluded.flatMap(Self.resolved)
        var pending = [""]
        while let folder = pending.popLast() {
            let path = folder.isEmpty ? root : "\(root)/\(folder)"
            guard path != excluded else { continue }
            guard let names = Self.names(in: path) else {
                unreadable.append(folder)
                continue
            }
            for name in names where !name.hasPrefix(".") {
                let inner = folder.isEmpty ? name : "\(folder)/\(name)"
                var status = stat()
                guard lstat("\(root)/\(inner)", &status) == 0 else { continue }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: pending.append(inner)
                case S_IFREG: files.append(File(path: inner, status))
                default: break
                }
            }
        }
        files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private static func names(in folder: String) -> [String]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }
}

extension FolderScan.File {
    init(path: String, _ status: stat) {
        self.path = path
        byteCount = Int(status.st_size)
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        modified = Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}

import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A mapped file of a checkpoint, with what tells whether it is still the file that was opened.
struct OpenFile: Sendable {
    let mapped: MappedFile
    private let stamp: FileStamp?

    init(path: String) throws(FileError) {
        mapped = try MappedFile(path: path)
        stamp = FileStamp(path: path)
    }

    var path: String { mapped.path }

    /// Throws if bytes vanished or were overwritten since the file was opened.
    ///
    /// A file that was replaced by renaming another over it is no damage: the mapping keeps the
    /// old one.
    func checkIntact() throws {
        try mapped.checkIntact()
        guard let stamp, let now = FileStamp(path: path), now.isSameFile(as: stamp) else { return }
        guard now == stamp, stamp.byteCount == mapped.byteCount else {
            throw CheckpointError.changedWhileOpen(path: path)
        }
    }

    /// A tensor whose bytes start at `offset`, as a view where its elements are aligned there.
    func tensor(_ info: TensorInfo, at offset: Int) throws -> Tensor {
        guard info.shape.count <= Shape.maximumRank else {
            throw CheckpointError.rankTooHigh(name: info.name, path: path, shape: info.shape)
        }
        guard let storage = mapped.storage(offset: offset, byteCount: info.byteCount) else {
            throw CheckpointError.tensorNotDownloaded(name: info.name, path: path)
        }
        let shape = Shape(info.shape)
        let view = Tensor(storage: storage, byteOffset: 0, shape: shape, dtype: info.dtype)
        // Blocks are read a byte at a time; plain elements as a whole.
        guard !info.dtype.isBlocked, offset % info.dtype.blockBytes != 0 else { return view }
        let copy = Tensor(uninitialized: shape, dtype: info.dtype)
        view.withBytes { bytes in
            if let source = bytes.baseAddress {
                copy.bytes.copyMemory(from: source, byteCount: bytes.count)
            }
        }
        return copy
    }
}

/// The identity, size and time of the last writing of a file.
struct FileStamp: Sendable, Equatable {
    let device: UInt64
    let node: UInt64
    let byteCount: Int
    let seconds: Int
    let nanoseconds: Int

    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        node = UInt64(status.st_ino)
        byteCount = Int(status.st_size)
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        seconds = time.tv_sec
        nanoseconds = time.tv_nsec
    }

    func isSameFile(as other: FileStamp) -> Bool {
        device == other.device && node == other.node
    }
}

import FathomKernels
import Synchronization

/// A weight matrix `[rows, columns]` in the format it is stored in.
///
/// F32, F16 and BF16 weights are read where they lie, mapped files included. Quantised weights
/// are repacked when they are first multiplied, into about as many bytes, and the file's pages
/// are given back; nothing has to be read before that.
public final class Matrix: Sendable {
    /// The weights as they were given.
    public let tensor: Tensor

    public var rowCount: Int { tensor.shape[0] }
    public var columnCount: Int { tensor.shape[1] }

    /// The address of the packed bytes, 0 before there are any.
    private let packedAddress = Atomic<UInt>(0)
    private let packedStorage = Mutex<Storage?>(nil)

    /// - Precondition: two dimensions.
    public init(_ tensor: Tensor) {
        precondition(tensor.shape.rank == 2, "a matrix has two dimensions, not \(tensor.shape)")
        self.tensor = tensor
    }

    /// The packed weights; `nil` if the format is multiplied as it is.
    func packed() -> UnsafeRawPointer? {
        if let address = knownPacked { return address }
        guard tensor.dtype.isPackable, tensor.node == nil else { return nil }
        let storage = packedStorage.withLock { packed in
            if let packed { return packed }
            let storage = pack()
            packed = storage
            packedAddress.store(UInt(bitPattern: storage.pointer), ordering: .releasing)
            return storage
        }
        return UnsafeRawPointer(storage.pointer)
    }

    private var knownPacked: UnsafeRawPointer? {
        UnsafeRawPointer(bitPattern: packedAddress.load(ordering: .acquiring))
    }

    private func pack() -> Storage {
        let type = tensor.dtype.kernelType
        let (rows, columns) = (rowCount, columnCount)
        let bytes = fk_packed_bytes(type, Int64(rows), Int64(columns))
        precondition(bytes > 0, "\(tensor.dtype.name) \(tensor.shape) has no packed form")
        let storage = Storage(byteCount: bytes)
        let (source, target, rowBytes) = (tensor.bytes, storage.pointer, tensor.rowBytes)
        // Whole megabytes at a time, so that the file's pages can go as soon as they are packed.
        let step = max(16, (1 << 20) / max(1, rowBytes) / 16 * 16)
        let isMapped = tensor.storage.isMapped
        ThreadPool.shared.run((rows + step - 1) / step) { index in
            let first = index * step
            let last = min(rows, first + step)
            fk_pack(
                type, target, source + first * rowBytes, Int64(first), Int64(last), Int64(rows),
                Int64(columns))
            if isMapped {
                fk_mapping_forget(source + first * rowBytes, (last - first) * rowBytes)
            }
        }
        return storage
    }

    /// Decodes one row into `result`, which holds `columnCount` floats.
    func decodeRow(_ row: Int, into result: UnsafeMutablePointer<Float>) {
        if let packed = knownPacked {
            fk_packed_row(
                tensor.dtype.kernelType, result, packed, Int64(row), Int64(rowCount),
                Int64(columnCount))
        } else {
            fk_dequantize(
                tensor.dtype.kernelType, result, tensor.bytes + row * tensor.rowBytes,
                Int64(columnCount))
        }
    }
}

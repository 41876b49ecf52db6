import FathomKernels
import Synchronization

/// A weight matrix `[rows, columns]` in the format it is stored in.
///
/// F32, F16 and BF16 weights are read where they lie, mapped files included. Quantised weights
/// are repacked when they are multiplied for the second time, into about as many bytes, and the
/// file's pages are given back; nothing has to be read before that.
public final class Matrix: Sendable {
    /// The weights as they were given.
    public let tensor: Tensor

    /// What F8 weights are multiplied by: F32 `[ceil(rows / 128), ceil(columns / 128)]`, one
    /// number for each block of 128 by 128 (DeepSeek-V3, section 3.3).
    public let blockScales: Tensor?

    public var rowCount: Int { tensor.shape[0] }
    public var columnCount: Int { tensor.shape[1] }

    /// The address of the packed bytes, 0 before there are any.
    private let packedAddress = Atomic<UInt>(0)
    private let packedStorage = Mutex<Storage?>(nil)
    private let wasUsed = Atomic<Bool>(false)

    /// - Precondition: two dimensions; F8 weights where there are scales, of the shape above.
    public init(_ tensor: Tensor, blockScales: Tensor? = nil) {
        precondition(tensor.shape.rank == 2, "a matrix has two dimensions, not \(tensor.shape)")
        if let blockScales {
            precondition(
                tensor.dtype == .f8e4m3 && blockScales.dtype == .f32
                    && blockScales.shape.sizes == Self.scaleShape(of: tensor.shape.sizes),
                "\(tensor.dtype.name) \(tensor.shape) with scales \(blockScales.shape)")
        }
        self.tensor = tensor
        self.blockScales = blockScales
    }

    /// Rows and columns of one scale of F8 weights.
    public static let scaleBlock = 128

    /// The shape of the scales of F8 weights of a shape.
    public static func scaleShape(of shape: [Int]) -> [Int] {
        shape.map { ($0 + scaleBlock - 1) / scaleBlock }
    }

    /// The weights as F32.
    public func dequantized() -> Tensor {
        guard blockScales != nil else { return tensor.dequantized() }
        let result = Tensor(uninitialized: tensor.shape)
        let floats = result.floats
        parallel(rowCount, grain: max(1, elementGrain / max(1, columnCount))) { rows in
            for row in rows { decodeRow(row, into: floats + row * columnCount) }
        }
        return result
    }

    /// Whether products use a packed form, with activations rounded to 8 bits.
    var isPacked: Bool { tensor.dtype.isPackable && tensor.node == nil }

    /// Brings mapped weights into memory, on the calling thread, until it is told to stop.
    ///
    /// Otherwise the first product does it. Useful while something else has to be waited for.
    public func prepare(unless isStopped: () -> Bool) {
        guard tensor.storage.isMapped else { return }
        // A table may be larger than memory; a few milliseconds at a time.
        for start in stride(from: 0, to: tensor.byteCount, by: Self.prepareStep) where !isStopped()
        {
            fk_mapping_populate(
                tensor.bytes + start, min(Self.prepareStep, tensor.byteCount - start))
        }
    }

    private static let prepareStep = 8 << 20

    /// The packed weights, if they are kept; `nil` if the format is multiplied as it is, and at the
    /// first product.
    ///
    /// A first product packs what it needs as it goes: fresh memory for a whole model takes longer
    /// to come by than all the work of the first token. From the second on packed weights are kept.
    func packed() -> UnsafeRawPointer? {
        if let address = knownPacked { return address }
        guard isPacked, wasUsed.exchange(true, ordering: .relaxed) else { return nil }
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
        let storage = WeightMemory.shared.allocate(bytes)
        let (source, target, rowBytes) = (tensor.bytes, storage.pointer, tensor.rowBytes)
        // A quarter megabyte at a time: the file's pages can go as soon as they are packed, and
        // every thread gets a share of a small matrix.
        let step = max(16, (1 << 18) / max(1, rowBytes) / 16 * 16)
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
            guard let blockScales else { return }
            let scales = blockScales.floats + row / Self.scaleBlock * blockScales.shape.last
            for column in 0..<columnCount { result[column] *= scales[column / Self.scaleBlock] }
        }
    }
}

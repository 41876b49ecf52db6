/// An array of numbers: a shape, a type and bytes, always contiguous and row-major.
///
/// A tensor is a value: operations give new ones and none is changed after it was made. Copies
/// share storage. Slices along the first dimension are views.
///
/// ```swift
/// let x = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
/// x.shape          // [2, 3]
/// x[rows: 1..<2]   // [1, 3], no copy
/// ```
public struct Tensor: Sendable {
    public let shape: Shape
    public let dtype: DType
    public let storage: Storage
    package let byteOffset: Int

    /// Where the tensor came from, if gradients are being recorded; `nil` otherwise.
    package var node: GradientNode?

    /// A view of existing storage.
    ///
    /// - Precondition: the bytes lie within the storage.
    package init(
        storage: Storage, byteOffset: Int = 0, shape: Shape, dtype: DType,
        node: GradientNode? = nil
    ) {
        guard let bytes = dtype.byteCount(elements: shape.elementCount),
            byteOffset >= 0, bytes <= storage.byteCount - byteOffset
        else {
            preconditionFailure("a \(dtype.name) tensor of shape \(shape) does not fit its storage")
        }
        self.shape = shape
        self.dtype = dtype
        self.storage = storage
        self.byteOffset = byteOffset
        self.node = node
    }

    /// New memory that the caller fills before anyone else sees it.
    package init(uninitialized shape: Shape, dtype: DType = .f32) {
        guard let bytes = dtype.byteCount(elements: shape.elementCount) else {
            preconditionFailure("\(shape) is no whole number of \(dtype.name) blocks")
        }
        self.shape = shape
        self.dtype = dtype
        storage = Storage(byteCount: bytes)
        byteOffset = 0
        node = nil
    }

    /// A stand-in without memory, for a parameter that could not be read; touching it is a
    /// programming error.
    package init(placeholder shape: Shape) {
        self.shape = shape
        dtype = .f32
        storage = Storage(byteCount: 0)
        byteOffset = 0
        node = nil
    }

    /// An F32 tensor of the given values, row-major.
    ///
    /// - Precondition: as many values as the shape has elements.
    public init(_ values: [Float], shape: Shape) {
        precondition(
            values.count == shape.elementCount, "\(values.count) values do not fill \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress {
                storage.pointer.copyMemory(from: source, byteCount: bytes.count)
            }
        }
    }

    /// An I64 tensor of the given values, row-major.
    public init(_ values: [Int64], shape: Shape) {
        precondition(
            values.count == shape.elementCount, "\(values.count) values do not fill \(shape)")
        self.init(uninitialized: shape, dtype: .i64)
        values.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress {
                storage.pointer.copyMemory(from: source, byteCount: bytes.count)
            }
        }
    }

    /// A scalar.
    public init(_ value: Float) {
        self.init([value], shape: [])
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: Shape, dtype: DType = .f32) -> Tensor {
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let bytes = UnsafeMutableRawBufferPointer(
            start: result.storage.pointer, count: result.byteCount)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return result
    }

    public var elementCount: Int { shape.elementCount }

    /// The bytes of all elements.
    public var byteCount: Int { elementCount / dtype.blockElements * dtype.blockBytes }

    /// The bytes of one row of `shape.last` elements.
    package var rowBytes: Int { shape.last / dtype.blockElements * dtype.blockBytes }

    package var bytes: UnsafeMutableRawPointer { storage.pointer + byteOffset }

    /// The elements as F32.
    ///
    /// - Precondition: `dtype` is `.f32`.
    package var floats: UnsafeMutablePointer<Float> {
        precondition(dtype == .f32, "expected an F32 tensor, found \(dtype.name)")
        return bytes.assumingMemoryBound(to: Float.self)
    }

    /// The same values in memory of their own, if they lie in a mapped file.
    package func unmapped() -> Tensor {
        guard storage.isMapped else { return self }
        let copy = Tensor(uninitialized: shape, dtype: dtype)
        copy.bytes.copyMemory(from: bytes, byteCount: byteCount)
        return copy
    }

    /// Lends the bytes.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E)
        -> R
    {
        try body(UnsafeRawBufferPointer(start: bytes, count: byteCount))
    }

    /// The same bytes under another shape.
    ///
    /// - Precondition: the same number of elements.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(
            shape.elementCount == elementCount, "\(self.shape) cannot be reshaped to \(shape)")
        let view = Tensor(storage: storage, byteOffset: byteOffset, shape: shape, dtype: dtype)
        return view.recorded(from: [self]) { [old = self.shape] gradient in
            [gradient.reshaped(old)]
        }
    }

    /// A view of consecutive entries of the first dimension.
    ///
    /// - Precondition: the range lies within it, and no gradient is being recorded through it.
    public subscript(rows range: Range<Int>) -> Tensor {
        precondition(shape.rank >= 1, "a scalar has no rows")
        precondition(
            range.lowerBound >= 0 && range.upperBound <= shape[0],
            "rows \(range) are not within \(shape)")
        precondition(node == nil, "a slice records no gradient")
        let stride = shape[0] == 0 ? 0 : byteCount / shape[0]
        var sizes = shape.sizes
        sizes[0] = range.count
        return Tensor(
            storage: storage, byteOffset: byteOffset + range.lowerBound * stride,
            shape: Shape(sizes), dtype: dtype)
    }

    /// The elements as an array of F32, dequantised if need be.
    public func floatArray() -> [Float] {
        let source = dequantized()
        return Array(UnsafeBufferPointer(start: source.floats, count: elementCount))
    }

    /// The elements of an I64 tensor.
    ///
    /// - Precondition: `dtype` is `.i64`.
    public func int64Array() -> [Int64] {
        precondition(dtype == .i64, "expected an I64 tensor, found \(dtype.name)")
        return Array(
            UnsafeBufferPointer(
                start: UnsafeRawPointer(bytes).assumingMemoryBound(to: Int64.self),
                count: elementCount))
    }
}

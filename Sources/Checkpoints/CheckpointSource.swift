public import FathomTensors

/// Named tensors that can be read one at a time: a folder of safetensors files or a GGUF file.
///
/// Reading gives views of mapped files wherever the format allows: nothing is copied and nothing
/// is read before it is used.
public protocol CheckpointSource: Sendable {
    /// The names of all tensors, in the order the files hold them.
    var names: [String] { get }

    /// What is known of a tensor without reading it; nil if there is none of this name.
    func info(_ name: String) -> TensorInfo?

    /// The tensor of a name.
    ///
    /// - Throws: `CheckpointError` if there is none, or if it has more than four dimensions.
    func tensor(_ name: String) throws -> Tensor

    /// Throws if a file behind the source was cut short or changed while it was in use.
    ///
    /// A lost part of a mapped file reads as zeros, so results are to be trusted only after this.
    func checkIntact() throws
}

extension CheckpointSource {
    /// Whether there is a tensor of this name.
    public func contains(_ name: String) -> Bool { info(name) != nil }
}

/// What a checkpoint says of a tensor: its name, type and sizes.
public struct TensorInfo: Sendable, Hashable {
    public let name: String
    public let dtype: DType
    /// The sizes of the dimensions, outermost first. May have more than a `Shape` can.
    public let shape: [Int]
    public let byteCount: Int

    public init(name: String, dtype: DType, shape: [Int], byteCount: Int) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.byteCount = byteCount
    }

    /// The product of the sizes; 1 for a scalar.
    public var elementCount: Int { byteCount / dtype.blockBytes * dtype.blockElements }
}

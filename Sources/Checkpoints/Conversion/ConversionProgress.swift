public import FathomTensors

/// How far a conversion is; given before each tensor.
public struct ConversionProgress: Sendable, Hashable {
    /// The tensor that comes next, under its new name.
    public let name: String
    /// How many tensors were written.
    public let finishedCount: Int
    /// How many there are in all.
    public let tensorCount: Int
    /// The format it has and the one it gets.
    public let from: DType
    public let to: DType

    /// Told of progress; an error thrown here ends the conversion and leaves no file.
    public typealias Handler = (ConversionProgress) throws -> Void
}

/// What a conversion wrote.
public struct ConversionReport: Sendable, Hashable {
    public let path: String
    public let tensorCount: Int
    /// The bytes of all tensors.
    public let byteCount: Int
    /// What the reader should know: what was left out, or took another format than asked for.
    public let notes: [String]
}

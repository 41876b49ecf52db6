/// Vectors of one dimension, one row after the other.
public struct VectorRows: Sendable, Hashable {
    public let values: [Float]
    public let dimension: Int
    public let count: Int

    /// - Throws: `VectorSearchError.raggedRows` unless the values are a whole number of rows.
    public init(_ values: [Float], dimension: Int) throws {
        guard dimension > 0, values.count.isMultiple(of: dimension) else {
            throw VectorSearchError.raggedRows(values: values.count, dimension: dimension)
        }
        self.init(checked: values, dimension: dimension)
    }

    package init(checked values: [Float], dimension: Int) {
        self.values = values
        self.dimension = dimension
        count = dimension > 0 ? values.count / dimension : 0
    }

    /// The components of one row.
    public func row(_ index: Int) -> [Float] {
        precondition(index >= 0 && index < count, "row \(index) of \(count)")
        return Array(values[index * dimension..<(index + 1) * dimension])
    }

    /// Some consecutive rows.
    func rows(_ range: Range<Int>) -> VectorRows {
        VectorRows(
            checked: Array(values[range.lowerBound * dimension..<range.upperBound * dimension]),
            dimension: dimension)
    }

    /// Whether a component of a row is not a number.
    func isNotANumber(_ index: Int) -> Bool {
        values[index * dimension..<(index + 1) * dimension].contains { $0.isNaN }
    }
}

/// Rows of bits, eight to a byte, least significant first.
public struct BinaryRows: Sendable, Hashable {
    public let bytes: [UInt8]
    /// Bytes of a row.
    public let codeSize: Int
    public let count: Int

    /// - Throws: `VectorSearchError.raggedRows` unless the bytes are a whole number of rows.
    public init(_ bytes: [UInt8], codeSize: Int) throws {
        guard codeSize > 0, bytes.count.isMultiple(of: codeSize) else {
            throw VectorSearchError.raggedRows(values: bytes.count, dimension: codeSize)
        }
        self.bytes = bytes
        self.codeSize = codeSize
        count = bytes.count / codeSize
    }

    private init(checked bytes: [UInt8], codeSize: Int) {
        self.bytes = bytes
        self.codeSize = codeSize
        count = bytes.count / codeSize
    }

    /// Some consecutive rows.
    func rows(_ range: Range<Int>) -> BinaryRows {
        BinaryRows(
            checked: Array(bytes[range.lowerBound * codeSize..<range.upperBound * codeSize]),
            codeSize: codeSize)
    }

    public func row(_ index: Int) -> [UInt8] {
        precondition(index >= 0 && index < count, "row \(index) of \(count)")
        return Array(bytes[index * codeSize..<(index + 1) * codeSize])
    }
}

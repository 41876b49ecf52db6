import FathomKernels

/// A codec that scales every row to its own range before an inner codec rounds it.
///
/// Faiss defines encoding and decoding only, so there is nothing to search.
public struct RowwiseMinMaxIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    private let inner: any VectorIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        inner = try IndexTypes.read("index", &reader)
        try reader.require(
            inner.dimension == header.dimension, "index/d", found: inner.dimension,
            expected: "\(header.dimension)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        throw VectorSearchError.unsupported("search", by: "RowwiseMinMaxIndex")
    }

    // MARK: Codec

    /// Bytes of a row's range: its width and its lower end, as F32 or as F16.
    private var rangeSize: Int { type == "IRMh" ? 4 : 8 }

    public var codeByteCount: Int? { inner.codeByteCount.map { rangeSize + $0 } }

    public func codes(of vectors: VectorRows) throws -> [UInt8] {
        guard let size = inner.codeByteCount else { throw Self.hasNoCodec }
        var (ranges, values): ([[UInt8]], [Float]) = ([], [])
        for number in 0..<vectors.count {
            let row = vectors.row(number)
            let low = row.min() ?? 0
            let width = (row.max() ?? 0) - low
            let range = stored(width) + stored(low)
            ranges.append(range)
            // What is stored is what rows are scaled back by.
            let (scale, offset) = self.range(range)
            let inverse = scale > 0 ? 1 / scale : 0
            values += row.map { ($0 - offset) * inverse }
        }
        let codes = try inner.codes(of: VectorRows(checked: values, dimension: dimension))
        return ranges.enumerated().flatMap { row, range in
            range + codes[row * size..<(row + 1) * size]
        }
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        guard let size = codeByteCount else { throw Self.hasNoCodec }
        let starts = Array(stride(from: 0, to: codes.count, by: size))
        var rows = try inner.vectors(
            of: starts.flatMap { codes[$0 + rangeSize..<$0 + size] }
        ).values
        for (row, start) in starts.enumerated() {
            let (scale, offset) = range(Array(codes[start..<start + rangeSize]))
            for i in row * dimension..<(row + 1) * dimension { rows[i] = rows[i] * scale + offset }
        }
        return VectorRows(checked: rows, dimension: dimension)
    }

    private func stored(_ value: Float) -> [UInt8] {
        var value = value
        guard type == "IRMh" else {
            return withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        var half = [UInt8](repeating: 0, count: 2)
        half.withUnsafeMutableBytes { fk_f32_to_f16($0.baseAddress, &value, 1) }
        return half
    }

    private func range(_ bytes: [UInt8]) -> (width: Float, low: Float) {
        var values: [Float] = [0, 0]
        bytes.withUnsafeBytes { bytes in
            if type == "IRMh" {
                fk_f16_to_f32(&values, bytes.baseAddress, 2)
            } else {
                values = [0, 4].map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
            }
        }
        return (values[0], values[1])
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try inner.write(to: &writer)
    }
}

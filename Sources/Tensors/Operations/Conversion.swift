import FathomKernels

extension Tensor {
    /// The same numbers as F32; the tensor itself if it already is.
    ///
    /// - Precondition: `dtype.isReal`.
    public func dequantized() -> Tensor {
        converted(to: .f32)
    }

    /// The same numbers in another format, rounded or quantised if need be.
    ///
    /// Quantisers and their rounding are those of `fk_quantize`. Nothing is recorded.
    ///
    /// - Precondition: real formats, and rows that are a multiple of the new format's block.
    public func converted(to target: DType) -> Tensor {
        if dtype == target { return self }
        precondition(
            dtype.canDecode && target.canEncode, "\(dtype.name) does not convert to \(target.name)")
        precondition(
            shape.last % target.blockElements == 0,
            "rows of \(shape.last) are no multiple of \(target.name)'s \(target.blockElements)")
        let y = Tensor(uninitialized: shape, dtype: target)
        let width = shape.last
        let (source, result) = (bytes, y.bytes)
        let (sourceRow, resultRow) = (rowBytes, y.rowBytes)
        let (from, to) = (dtype.kernelType, target.kernelType)
        parallel(shape.rowCount, grain: max(1, elementGrain / max(1, width))) { rows in
            if target == .f32 {
                let floats = (result + rows.lowerBound * resultRow).assumingMemoryBound(
                    to: Float.self)
                fk_dequantize(
                    from, floats, source + rows.lowerBound * sourceRow, Int64(rows.count * width))
            } else if dtype == .f32 {
                let floats = (source + rows.lowerBound * sourceRow).assumingMemoryBound(
                    to: Float.self)
                fk_quantize(
                    to, result + rows.lowerBound * resultRow, floats, Int64(rows.count * width))
            } else {
                let row = Storage(byteCount: width * MemoryLayout<Float>.stride)
                let floats = row.pointer.assumingMemoryBound(to: Float.self)
                for index in rows {
                    fk_dequantize(from, floats, source + index * sourceRow, Int64(width))
                    fk_quantize(to, result + index * resultRow, floats, Int64(width))
                }
            }
        }
        return y
    }
}

extension DType {
    var kernelType: fk_type { fk_type(rawValue: UInt32(bitPattern: rawValue)) }

    /// Whether numbers of this format can be read.
    public var canDecode: Bool { fk_dequantizable(kernelType) != 0 }

    /// Whether numbers can be written in this format.
    public var canEncode: Bool { self == .f32 || fk_quantizable(kernelType) != 0 }

    /// Whether matrix products have a packed form for this format.
    var isPackable: Bool { fk_packable(kernelType) != 0 }
}

/// The transpose of a matrix: F32 `[M, N]` gives `[N, M]`. Nothing is recorded.
public func transpose(_ x: Tensor) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    let y = Tensor(uninitialized: [width, rows])
    let (result, source) = (y.floats, x.floats)
    parallel(width, grain: max(1, elementGrain / max(1, rows))) { columns in
        for column in columns {
            for row in 0..<rows { result[column * rows + row] = source[row * width + column] }
        }
    }
    return y
}

import FathomKernels

extension Tensor {
    /// How many elements are infinite or NaN, quantised ones decoded.
    ///
    /// - Precondition: a real format.
    public var nonFiniteCount: Int {
        let rows = shape.rowCount
        let width = shape.last
        let counts = Storage(byteCount: max(1, rows) * MemoryLayout<Int>.stride)
        let results = counts.pointer.assumingMemoryBound(to: Int.self)
        let (source, stride, type) = (bytes, rowBytes, dtype.kernelType)
        parallel(rows, grain: max(1, elementGrain / max(1, width))) { range in
            let row = Storage(byteCount: width * MemoryLayout<Float>.stride)
            let floats = row.pointer.assumingMemoryBound(to: Float.self)
            for index in range {
                fk_dequantize(type, floats, source + index * stride, Int64(width))
                fk_count_nonfinite_f32(results + index, floats, width)
            }
        }
        return (0..<rows).reduce(0) { $0 + results[$1] }
    }
}

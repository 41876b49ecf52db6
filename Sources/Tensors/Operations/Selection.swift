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

/// The index of the largest value, the lowest of equals; `nil` if a value is NaN or there is none.
package func indexOfLargest(_ values: [Float]) -> Int? {
    var index: Int64 = -1
    fk_argmax_f32(&index, values, values.count, 1, values.count)
    return index < 0 ? nil : Int(index)
}

/// `exp(values) / sum(exp(values))`; all NaN if no value is a number above -infinity.
package func softmax(_ values: [Float]) -> [Float] {
    [Float](unsafeUninitializedCapacity: values.count) { result, count in
        fk_softmax_f32(
            result.baseAddress, values.count, values, values.count, 1, nil, 1, values.count)
        count = values.count
    }
}

/// `log(sum(exp(values)))`.
package func logSumExp(_ values: [Float]) -> Float {
    var result: Float = 0
    fk_logsumexp_f32(&result, values, values.count, 1, values.count)
    return result
}

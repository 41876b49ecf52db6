import FathomKernels

/// The mean of the rows of each range: `[T, C]` gives `[ranges.count, C]`. Rows are added in order;
/// the mean of no rows is 0. Nothing is recorded.
///
/// - Precondition: F32 and ranges within the rows.
public func rowMeans(_ x: Tensor, over ranges: [Range<Int>]) -> Tensor {
    let width = x.shape.last
    precondition(
        ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= x.shape.rowCount },
        "ranges beyond the rows of \(x.shape)")
    let y = Tensor.zeros([ranges.count, width])
    let (result, source) = (y.floats, x.floats)
    parallel(ranges.count, grain: max(1, elementGrain / max(1, 32 * width))) { indices in
        for index in indices where !ranges[index].isEmpty {
            let row = result + index * width
            for from in ranges[index] { fk_axpy_f32(row, 1, source + from * width, width) }
            fk_scale_f32(row, row, 1 / Float(ranges[index].count), width)
        }
    }
    return y
}

/// Every row at length 1 in the Euclidean norm; rows shorter than `epsilon` are divided by it.
/// Nothing is recorded.
///
/// - Precondition: F32.
public func unitRows(_ x: Tensor, epsilon: Float = 1e-12) -> Tensor {
    let width = x.shape.last
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    parallel(x.shape.rowCount, grain: max(1, elementGrain / max(1, width))) { rows in
        for row in rows {
            let from = source + row * width
            var square: Float = 0
            fk_dot_f32(&square, from, from, width)
            fk_scale_f32(
                result + row * width, from, 1 / max(square.squareRoot(), epsilon), width)
        }
    }
    return y
}

import FathomKernels

/// Root-mean-square normalisation of every row: `x / sqrt(mean(x²) + ε) · w`.
///
/// - Precondition: F32 `x` `[T, C]` and weight `[C]`.
public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    precondition(weight.elementCount == width, "weight \(weight.shape) for rows of \(width)")
    let y = Tensor(uninitialized: x.shape)
    let records = x.isRecorded || weight.isRecorded
    let inverse = records ? Tensor(uninitialized: [rows]) : nil
    let (result, source, scale, factors) = (y.floats, x.floats, weight.floats, inverse?.floats)
    parallel(rows, grain: max(1, elementGrain / max(1, width))) { range in
        let start = range.lowerBound
        fk_rms_norm_f32(
            result + start * width, width, factors.map { $0 + start }, source + start * width,
            width, scale, epsilon, range.count, width)
    }
    guard records, let inverse else { return y }
    let (input, factor) = (x.detached(), weight.detached())
    return y.recorded(from: [x, weight]) { dy in
        let dx = Tensor(uninitialized: input.shape)
        let dw = Tensor.zeros([width])
        let (dxs, dys, xs, ws, rs, dws) = (
            dx.floats, dy.floats, input.floats, factor.floats, inverse.floats, dw.floats
        )
        parallel(rows, grain: max(1, elementGrain / max(1, width))) { range in
            let start = range.lowerBound
            fk_rms_norm_backward_f32(
                dxs + start * width, width, dys + start * width, width, xs + start * width, width,
                rs + start, ws, range.count, width)
        }
        parallel(width, grain: 256) { columns in
            fk_rms_norm_backward_weight_f32(
                dws, dys, width, xs, width, rs, rows, columns.lowerBound, columns.upperBound)
        }
        return [dx, dw]
    }
}

/// Layer normalisation of every row: `(x - mean) / sqrt(variance + ε) · w + b` (Ba et al., 2016).
///
/// - Precondition: F32 `x` `[T, C]`, weight and bias `[C]`.
public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    precondition(
        weight.elementCount == width && bias.elementCount == width,
        "weight \(weight.shape) and bias \(bias.shape) for rows of \(width)")
    let y = Tensor(uninitialized: x.shape)
    let records = x.isRecorded || weight.isRecorded || bias.isRecorded
    let statistics = records ? Tensor(uninitialized: [2, rows]) : nil
    let (result, source, scale, shift) = (y.floats, x.floats, weight.floats, bias.floats)
    let means = statistics?.floats
    parallel(rows, grain: max(1, elementGrain / max(1, width))) { range in
        let start = range.lowerBound
        fk_layer_norm_f32(
            result + start * width, width, means.map { $0 + start },
            means.map { $0 + rows + start }, source + start * width, width, scale, shift, epsilon,
            range.count, width)
    }
    guard let statistics else { return y }
    let (input, factor) = (x.detached(), weight.detached())
    return y.recorded(from: [x, weight, bias]) { dy in
        let dx = Tensor(uninitialized: input.shape)
        let dw = Tensor.zeros([width])
        let (means, xs) = (statistics.floats, input.floats)
        fk_layer_norm_backward_f32(
            dx.floats, width, dy.floats, width, xs, width, means, means + rows, factor.floats, rows,
            width)
        fk_layer_norm_backward_weight_f32(
            dw.floats, dy.floats, width, xs, width, means, means + rows, rows, 0, width)
        return [dx, dw, columnSums(dy)]
    }
}

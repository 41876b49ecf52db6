import FathomKernels

// Operations on a residual stream of several branches (hyper-connections; Zhu et al., 2024).
//
// H branches, C elements of each: a row of the stream is [H · C].

/// Root-mean-square normalisation of every branch with its own weight: `[T, H · C]` to the same
/// shape.
///
/// - Precondition: F32; H weights `[C]`.
public func branchNorm(_ x: Tensor, weights: [Tensor], epsilon: Float) -> Tensor {
    let (rows, stride, branches) = (x.shape.rowCount, x.shape.last, weights.count)
    let width = branches == 0 ? 0 : stride / branches
    precondition(
        branches > 0 && width * branches == stride
            && weights.allSatisfy { $0.elementCount == width },
        "\(branches) weights for rows of \(stride)")
    let y = Tensor(uninitialized: x.shape)
    let records = x.isRecorded || weights.contains { $0.isRecorded }
    let inverse = records ? Tensor(uninitialized: [branches, rows]) : nil
    let (result, source, factors) = (y.floats, x.floats, inverse?.floats)
    let scales = weights.map(\.floats)
    parallel(rows, grain: max(1, elementGrain / max(1, stride))) { range in
        let start = range.lowerBound
        for branch in 0..<branches {
            let place = start * stride + branch * width
            fk_rms_norm_f32(
                result + place, stride, factors.map { $0 + branch * rows + start }, source + place,
                stride, scales[branch], epsilon, range.count, width)
        }
    }
    guard records, let inverse else { return y }
    let (input, saved) = (x.detached(), weights.map { $0.detached() })
    return y.recorded(from: [x] + weights) { dy in
        let dx = Tensor(uninitialized: input.shape)
        let slopes = saved.map { _ in Tensor.zeros([width]) }
        let (dxs, dys, xs, rs) = (dx.floats, dy.floats, input.floats, inverse.floats)
        let (scales, sums) = (saved.map(\.floats), slopes.map(\.floats))
        parallel(rows, grain: max(1, elementGrain / max(1, stride))) { range in
            let start = range.lowerBound
            for branch in 0..<branches {
                let place = start * stride + branch * width
                fk_rms_norm_backward_f32(
                    dxs + place, stride, dys + place, stride, xs + place, stride,
                    rs + branch * rows + start, scales[branch], range.count, width)
            }
        }
        parallel(branches, grain: 1) { range in
            for branch in range {
                fk_rms_norm_backward_weight_f32(
                    sums[branch], dys + branch * width, stride, xs + branch * width, stride,
                    rs + branch * rows, rows, 0, width)
            }
        }
        return [dx] + slopes
    }
}

/// The scaled products of a stream's branches with a vector each: `x` `[T, H · C]` and H tensors
/// `[T, C]` give `[T, H]`.
///
/// - Precondition: F32.
public func branchDots(_ x: Tensor, _ vectors: [Tensor], scale: Float) -> Tensor {
    let (rows, stride, branches) = (x.shape.rowCount, x.shape.last, vectors.count)
    let width = branches == 0 ? 0 : stride / branches
    precondition(
        branches > 0 && width * branches == stride
            && vectors.allSatisfy { $0.shape == [rows, width] },
        "\(branches) tensors \(vectors.first?.shape ?? []) for branches of \(x.shape)")
    let y = Tensor(uninitialized: [rows, branches])
    let (result, source, others) = (y.floats, x.floats, vectors.map(\.floats))
    parallel(rows, grain: max(1, elementGrain / max(1, stride))) { range in
        for row in range {
            for branch in 0..<branches {
                let place = result + row * branches + branch
                fk_dot_f32(
                    place, source + row * stride + branch * width, others[branch] + row * width,
                    width)
                place.pointee *= scale
            }
        }
    }
    guard x.isRecorded || vectors.contains(where: \.isRecorded) else { return y }
    let (input, saved) = (x.detached(), vectors.map { $0.detached() })
    return y.recorded(from: [x] + vectors) { gradient in
        let dx = Tensor.zeros(input.shape)
        let slopes = saved.map { Tensor.zeros($0.shape) }
        let (dxs, dys, xs) = (dx.floats, gradient.floats, input.floats)
        let (others, sums) = (saved.map(\.floats), slopes.map(\.floats))
        parallel(rows, grain: max(1, elementGrain / max(1, stride))) { range in
            for row in range {
                for branch in 0..<branches {
                    let factor = scale * dys[row * branches + branch]
                    let place = row * stride + branch * width
                    fk_axpy_f32(dxs + place, factor, others[branch] + row * width, width)
                    fk_axpy_f32(sums[branch] + row * width, factor, xs + place, width)
                }
            }
        }
        return [dx] + slopes
    }
}

/// Branches made of one vector and a factor each: factors `[T, H]` and `x` `[T, C]` give
/// `[T, H · C]`, branch h of row t being `factors[t, h] · x[t]`.
///
/// - Precondition: F32.
public func branchProducts(_ factors: Tensor, _ x: Tensor) -> Tensor {
    let (rows, width, branches) = (x.shape.rowCount, x.shape.last, factors.shape.last)
    precondition(factors.shape == [rows, branches], "factors \(factors.shape) for \(x.shape)")
    let y = Tensor(uninitialized: [rows, branches * width])
    let (result, source, scales) = (y.floats, x.floats, factors.floats)
    parallel(rows, grain: max(1, elementGrain / max(1, branches * width))) { range in
        for row in range {
            for branch in row * branches..<(row + 1) * branches {
                fk_scale_f32(result + branch * width, source + row * width, scales[branch], width)
            }
        }
    }
    guard factors.isRecorded || x.isRecorded else { return y }
    let (saved, input) = (factors.detached(), x.detached())
    return y.recorded(from: [factors, x]) { gradient in
        let (dFactors, dx) = (Tensor(uninitialized: saved.shape), Tensor.zeros(input.shape))
        let (slopes, dxs, dys) = (dFactors.floats, dx.floats, gradient.floats)
        let (source, scales) = (input.floats, saved.floats)
        parallel(rows, grain: max(1, elementGrain / max(1, branches * width))) { range in
            for row in range {
                for branch in row * branches..<(row + 1) * branches {
                    let slope = dys + branch * width
                    fk_dot_f32(slopes + branch, slope, source + row * width, width)
                    fk_axpy_f32(dxs + row * width, scales[branch], slope, width)
                }
            }
        }
        return [dFactors, dx]
    }
}

/// `sign(x) · sqrt(max(|x|, floor))`, element by element; 0 for 0.
///
/// No gradient flows where the floor holds.
///
/// - Precondition: F32.
public func signedRoot(_ x: Tensor, floor: Float) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let (source, result) = (x.floats, y.floats)
    for index in 0..<x.elementCount {
        let root = max(abs(source[index]), floor).squareRoot()
        result[index] = source[index] == 0 ? 0 : source[index] < 0 ? -root : root
        // A number that is none stays one.
        if source[index].isNaN { result[index] = source[index] }
    }
    guard x.isRecorded else { return y }
    let input = x.detached()
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: input.shape)
        let (dxs, dys, xs) = (dx.floats, gradient.floats, input.floats)
        for index in 0..<input.elementCount {
            let size = abs(xs[index])
            dxs[index] = size < floor || size == 0 ? 0 : dys[index] / (2 * size.squareRoot())
        }
        return [dx]
    }
}

/// `x / (1 + exp(-x))`, element by element.
///
/// - Precondition: F32.
public func silu(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    parallel(x.elementCount, grain: elementGrain / 4) { range in
        fk_silu_f32(result + range.lowerBound, source + range.lowerBound, range.count)
    }
    guard x.isRecorded else { return y }
    let input = x.detached()
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: input.shape)
        fk_silu_backward_f32(dx.floats, gradient.floats, input.floats, input.elementCount)
        return [dx]
    }
}

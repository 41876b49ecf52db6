import FathomKernels

/// `silu(gate) · up`, element by element (Shazeer, 2020).
///
/// - Precondition: F32 tensors of the same shape.
public func swiGLU(gate: Tensor, up: Tensor) -> Tensor {
    precondition(gate.shape == up.shape, "gate \(gate.shape) and up \(up.shape) differ")
    let width = gate.shape.last
    let y = Tensor(uninitialized: gate.shape)
    let (result, gates, ups) = (y.floats, gate.floats, up.floats)
    parallel(gate.shape.rowCount, grain: max(1, elementGrain / 4 / max(1, width))) { rows in
        let start = rows.lowerBound * width
        fk_swiglu_f32(
            result + start, width, gates + start, width, ups + start, width, rows.count, width)
    }
    guard gate.isRecorded || up.isRecorded else { return y }
    let (savedGate, savedUp) = (gate.detached(), up.detached())
    return y.recorded(from: [gate, up]) { dy in
        let (dGate, dUp) = (Tensor(uninitialized: dy.shape), Tensor(uninitialized: dy.shape))
        let (dgs, dus, dys, gs, us) = (
            dGate.floats, dUp.floats, dy.floats, savedGate.floats, savedUp.floats
        )
        parallel(dy.shape.rowCount, grain: max(1, elementGrain / 4 / max(1, width))) { rows in
            let start = rows.lowerBound * width
            fk_swiglu_backward_f32(
                dgs + start, width, dus + start, width, dys + start, width, gs + start, width,
                us + start, width, rows.count, width)
        }
        return [dGate, dUp]
    }
}

/// The Gaussian error linear unit, `x · Φ(x)`, by the error function (Hendrycks and Gimpel, 2016).
///
/// - Precondition: F32.
public func gelu(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    parallel(x.elementCount, grain: elementGrain / 4) { range in
        fk_gelu_erf_f32(result + range.lowerBound, source + range.lowerBound, range.count)
    }
    guard x.isRecorded else { return y }
    let input = x.detached()
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: input.shape)
        let (slopes, gradients, inputs) = (dx.floats, gradient.floats, input.floats)
        parallel(input.elementCount, grain: elementGrain / 4) { range in
            let start = range.lowerBound
            fk_gelu_erf_backward_f32(
                slopes + start, gradients + start, inputs + start, range.count)
        }
        return [dx]
    }
}

import FathomKernels

/// Elements worth a task of their own in an element-by-element operation.
let elementGrain = 32_768

extension Tensor {
    /// The sum, element by element.
    ///
    /// - Precondition: F32 tensors of the same shape.
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        let y = combined(a, b, "+", fk_add_f32)
        guard a.isRecorded || b.isRecorded else { return y }
        return y.recorded(from: [a, b]) { [$0, $0] }
    }

    /// The product, element by element.
    ///
    /// - Precondition: F32 tensors of the same shape.
    public static func * (a: Tensor, b: Tensor) -> Tensor {
        let y = combined(a, b, "*", fk_multiply_f32)
        guard a.isRecorded || b.isRecorded else { return y }
        let (left, right) = (a.detached(), b.detached())
        return y.recorded(from: [a, b]) { [$0 * right, $0 * left] }
    }

    /// Every element times a number.
    public static func * (x: Tensor, factor: Float) -> Tensor {
        let y = Tensor(uninitialized: x.shape)
        let (source, result) = (x.floats, y.floats)
        parallel(x.elementCount, grain: elementGrain) { range in
            fk_scale_f32(
                result + range.lowerBound, source + range.lowerBound, factor, range.count)
        }
        guard x.isRecorded else { return y }
        return y.recorded(from: [x]) { [$0 * factor] }
    }

    private static func combined(
        _ a: Tensor, _ b: Tensor, _ name: String,
        _ kernel: (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int)
            -> Void
    ) -> Tensor {
        precondition(a.shape == b.shape, "shapes differ in \(name): \(a.shape) and \(b.shape)")
        let y = Tensor(uninitialized: a.shape)
        let (left, right, result) = (a.floats, b.floats, y.floats)
        parallel(a.elementCount, grain: elementGrain) { range in
            let start = range.lowerBound
            kernel(result + start, left + start, right + start, range.count)
        }
        return y
    }
}

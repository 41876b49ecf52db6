import FathomKernels

/// The product `x Wᵀ + b`, `[T, K]` times `[N, K]` gives `[T, N]`.
///
/// A row of the result has the same bits whatever other rows are computed with it and however
/// many threads there are.
///
/// - Precondition: F32 `x` whose rows are as long as the weight's.
public func linear(_ x: Tensor, _ weight: Matrix, bias: Tensor? = nil) -> Tensor {
    linear(x, [(weight, bias)])[0]
}

/// Several products of one input, in one parallel step.
public func linear(_ x: Tensor, _ layers: [(weight: Matrix, bias: Tensor?)]) -> [Tensor] {
    let (rows, depth) = (x.shape.rowCount, x.shape.last)
    for layer in layers {
        precondition(
            layer.weight.columnCount == depth,
            "the input has rows of \(depth); the weight is \(layer.weight.tensor.shape)")
    }
    let products = layers.map { layer in
        Product(
            weight: layer.weight, packed: layer.weight.packed(), bias: layer.bias,
            result: Tensor(uninitialized: [rows, layer.weight.rowCount]))
    }
    if rows > 0 { multiply(x, products, rows: rows, depth: depth) }
    return zip(products, layers).map { product, layer in
        let y = product.result
        guard x.isRecorded || layer.weight.tensor.isRecorded || layer.bias?.isRecorded == true
        else { return y }
        return recordLinear(y, x, layer.weight, layer.bias)
    }
}

/// One product of a parallel step.
private struct Product {
    let weight: Matrix
    let packed: UnsafeRawPointer?
    let bias: Tensor?
    let result: Tensor

    /// Bytes of weights a task reads, at least: about 10 µs from the last-level cache.
    static let taskBytes = 128 << 10

    /// Rows of the weight a task computes; whole groups of the packed layout.
    func rowsPerTask(inputs: Int, threads: Int) -> Int {
        let rows = weight.rowCount
        let byBytes = Self.taskBytes / max(1, weight.tensor.rowBytes * min(inputs, 16))
        let evenly = (rows + 4 * threads - 1) / (4 * threads)
        let wanted = inputs == 1 ? max(byBytes, min(evenly, rows)) : max(16, min(evenly, 256))
        return max(16, min(rows, wanted) / 16 * 16)
    }
}

private func multiply(_ x: Tensor, _ products: [Product], rows: Int, depth: Int) {
    let pool = ThreadPool.shared
    let activations = products.contains { $0.packed != nil } ? quantized(x, rows, depth) : nil
    let source = x.floats
    var tasks: [(product: Int, rows: Range<Int>)] = []
    for (index, product) in products.enumerated() {
        let step = product.rowsPerTask(inputs: rows, threads: pool.threadCount)
        var first = 0
        while first < product.weight.rowCount {
            let last = min(product.weight.rowCount, first + step)
            tasks.append((index, first..<last))
            first = last
        }
    }
    pool.run(tasks.count) { index in
        let task = tasks[index]
        let product = products[task.product]
        compute(product, task.rows, source, activations?.layout, inputs: rows, depth: depth)
    }
}

/// Activations rounded to 8 bits, with the memory that holds them.
private struct QuantizedActivations: @unchecked Sendable {
    let layout: fk_activations
    let storage: Storage
}

private func quantized(_ x: Tensor, _ rows: Int, _ depth: Int) -> QuantizedActivations {
    let storage = Storage(byteCount: fk_activations_bytes(Int64(rows), Int64(depth)))
    let result = QuantizedActivations(
        layout: fk_activations_in(storage.pointer, Int64(rows), Int64(depth)), storage: storage)
    let source = x.floats
    parallel(rows, grain: max(1, elementGrain / max(1, depth))) { range in
        withUnsafePointer(to: result.layout) {
            fk_quantize_activations(
                $0, source, depth, Int64(range.lowerBound), Int64(range.upperBound))
        }
    }
    return result
}

private func compute(
    _ product: Product, _ range: Range<Int>, _ x: UnsafePointer<Float>,
    _ activations: fk_activations?, inputs: Int, depth: Int
) {
    let weight = product.weight
    let (count, y) = (weight.rowCount, product.result.floats)
    let bias = product.bias.map { UnsafePointer($0.floats) }
    let (t, k) = (Int64(inputs), Int64(depth))
    let (first, last) = (Int64(range.lowerBound), Int64(range.upperBound))
    let type = weight.tensor.dtype.kernelType
    let bytes = weight.tensor.bytes
    if let packed = product.packed, let activations {
        withUnsafePointer(to: activations) {
            fk_matmul_packed(type, y, count, packed, $0, Int64(count), first, last, bias, 0)
        }
        return
    }
    switch weight.tensor.dtype {
    case .f32:
        let w = bytes.assumingMemoryBound(to: Float.self)
        fk_matmul_f32_nt(y, count, x, depth, w, depth, t, first, last, k, bias, 0)
    case .f16:
        fk_matmul_f16_nt(y, count, x, depth, bytes, depth, t, first, last, k, bias, 0)
    case .bf16:
        fk_matmul_bf16_nt(y, count, x, depth, bytes, depth, t, first, last, k, bias, 0)
    default:
        let panel = inputs == 1 ? 16 : max(16, (1 << 18) / max(1, depth))
        let scratch = Storage(byteCount: panel * depth * MemoryLayout<Float>.stride)
        fk_matmul_blocks(
            type, y, count, x, depth, bytes, t, first, last, k, bias, 0,
            scratch.pointer.assumingMemoryBound(to: Float.self), Int64(panel))
    }
}

private func recordLinear(_ y: Tensor, _ x: Tensor, _ weight: Matrix, _ bias: Tensor?) -> Tensor {
    let w = weight.tensor.detached().dequantized()
    let input = x.detached()
    let (needsInput, needsWeight) = (x.isRecorded, weight.tensor.isRecorded)
    let inputs = bias.map { [x, weight.tensor, $0] } ?? [x, weight.tensor]
    let hasBias = bias != nil
    return y.recorded(from: inputs) { gradient in
        let dx = needsInput ? productNN(gradient, w).reshaped(input.shape) : nil
        let dw = needsWeight ? productTN(gradient, input) : nil
        return hasBias ? [dx, dw, columnSums(gradient)] : [dx, dw]
    }
}

/// `a b` for F32 `[M, P]` and `[P, N]`.
package func productNN(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (rows, depth, columns) = (a.shape.rowCount, a.shape.last, b.shape.last)
    let c = Tensor(uninitialized: [rows, columns])
    let (left, right, result) = (a.floats, b.floats, c.floats)
    parallel(rows, grain: max(1, (1 << 18) / max(1, depth * columns))) { range in
        fk_matmul_f32_nn(
            result, columns, left, depth, right, columns, Int64(range.lowerBound),
            Int64(range.upperBound), Int64(columns), Int64(depth), 0)
    }
    return c
}

/// `aᵀ b` for F32 `[P, M]` and `[P, N]`.
package func productTN(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (depth, rows, columns) = (a.shape.rowCount, a.shape.last, b.shape.last)
    let c = Tensor(uninitialized: [rows, columns])
    let (left, right, result) = (a.floats, b.floats, c.floats)
    parallel(rows, grain: max(1, (1 << 18) / max(1, depth * columns))) { range in
        fk_matmul_f32_tn(
            result, columns, left, rows, right, columns, Int64(range.lowerBound),
            Int64(range.upperBound), Int64(columns), Int64(depth), 0)
    }
    return c
}

/// The sums of the columns of F32 `[T, N]`: the gradient of a bias.
package func columnSums(_ x: Tensor) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    let sums = Tensor.zeros([width])
    let (result, source) = (sums.floats, x.floats)
    parallel(width, grain: 256) { columns in
        fk_column_sum_f32(result, source, width, rows, columns.lowerBound, columns.upperBound)
    }
    return sums
}

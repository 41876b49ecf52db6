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
    let results = layers.map { layer in
        precondition(
            layer.weight.columnCount == depth,
            "the input has rows of \(depth); the weight is \(layer.weight.tensor.shape)")
        return Tensor(uninitialized: [rows, layer.weight.rowCount])
    }
    let packs = layers.contains { $0.weight.isPacked }
    let input = ProductInput(x.floats, stride: depth, rows: rows, depth: depth, rounds: packs)
    multiply(
        zip(layers, results).map { layer, y in
            Product(
                layer.weight, input, bias: layer.bias, result: y.floats, stride: y.shape.last)
        })
    return zip(results, layers).map { y, layer in
        guard x.isRecorded || layer.weight.tensor.isRecorded || layer.bias?.isRecorded == true
        else { return y }
        return recordLinear(y, x, layer.weight, layer.bias)
    }
}

/// Products of consecutive rows with a weight each, in one parallel step: the experts of a
/// mixture over tokens sorted by expert.
///
/// Rows `offsets[e]..<offsets[e + 1]` of `x` `[S, K]` are multiplied by number `e` of each bank of
/// weights `[N, K]`; each bank gives a result `[S, N]`. A weight without rows is not touched. Work
/// is split by rows of the weights as well, so that one busy expert keeps all threads.
///
/// - Precondition: `offsets` rises from 0 to S; a bank's weights have one shape.
public func linear(_ x: Tensor, offsets: [Int], banks: [[Matrix]]) -> [Tensor] {
    let (rows, depth) = (x.shape.rowCount, x.shape.last)
    let used = offsets.indices.dropLast().filter { offsets[$0 + 1] > offsets[$0] }
    precondition(
        offsets.first == 0 && offsets.last == rows
            && banks.allSatisfy { $0.count == offsets.count - 1 },
        "\(offsets.count) offsets for banks of \(banks.map(\.count)) weights and \(rows) rows")
    let rounds = banks.contains { bank in used.contains { bank[$0].isPacked } }
    let input = ProductInput(x.floats, stride: depth, rows: rows, depth: depth, rounds: rounds)
    var products: [Product] = []
    let results = banks.map { bank in
        let width = bank.first?.rowCount ?? 0
        let y = Tensor(uninitialized: [rows, width])
        for index in used {
            precondition(
                bank[index].columnCount == depth && bank[index].rowCount == width,
                "weight \(index) is \(bank[index].tensor.shape), not [\(width), \(depth)]")
            products.append(
                Product(
                    bank[index], input[offsets[index]..<offsets[index + 1]], bias: nil,
                    result: y.floats + offsets[index] * width, stride: width))
        }
        return y
    }
    multiply(products)
    return zip(results, banks).map { y, bank in
        guard x.isRecorded || used.contains(where: { bank[$0].tensor.isRecorded }) else { return y }
        return recordBank(y, x, offsets, used.map { ($0, bank[$0].tensor) })
    }
}

private func recordBank(
    _ y: Tensor, _ x: Tensor, _ offsets: [Int], _ weights: [(index: Int, tensor: Tensor)]
) -> Tensor {
    let source = x.detached()
    return y.recorded(from: [x] + weights.map(\.tensor)) { gradient in
        let dx = Tensor(uninitialized: source.shape)
        var gradients: [Tensor?] = [dx]
        for (index, weight) in weights {
            let range = offsets[index]..<offsets[index + 1]
            let dy = gradient[rows: range]
            let part = productNN(dy, weight.detached().dequantized())
            (dx.floats + range.lowerBound * source.shape.last).update(
                from: part.floats, count: part.elementCount)
            gradients.append(weight.isRecorded ? productTN(dy, source[rows: range]) : nil)
        }
        return gradients
    }
}

/// Products of each head with a weight of its own, in one parallel step: `[T, H · K]` times `H`
/// weights `[N, K]` gives `[T, H · N]`.
///
/// - Precondition: one weight a head, of one shape; nothing is recorded.
public func linear(_ x: Tensor, headWeights weights: [Matrix]) -> Tensor {
    let (rows, heads) = (x.shape.rowCount, weights.count)
    let (depth, width) = (weights.first?.columnCount ?? 0, weights.first?.rowCount ?? 0)
    precondition(x.shape.last == heads * depth, "\(x.shape) is not \(heads) heads of \(depth)")
    precondition(!x.isRecorded, "the product of heads records no gradient")
    let y = Tensor(uninitialized: [rows, heads * width])
    multiply(
        weights.enumerated().map { head, weight in
            let input = ProductInput(
                x.floats + head * depth, stride: heads * depth, rows: rows, depth: depth,
                rounds: weight.isPacked)
            return Product(
                weight, input, bias: nil, result: y.floats + head * width, stride: heads * width)
        })
    return y
}

/// The rows a product reads, with their rounded form if a weight needs it.
private struct ProductInput: @unchecked Sendable {
    let floats: UnsafePointer<Float>
    let stride, rows, depth: Int
    private(set) var rounded: fk_activations?
    private let storage: Storage?

    init(
        _ floats: UnsafePointer<Float>, stride: Int, rows: Int, depth: Int, rounds: Bool
    ) {
        self.floats = floats
        (self.stride, self.rows, self.depth) = (stride, rows, depth)
        guard rounds, rows > 0 else {
            (rounded, storage) = (nil, nil)
            return
        }
        let memory = Storage(byteCount: fk_activations_bytes(Int64(rows), Int64(depth)))
        let layout = fk_activations_in(memory.pointer, Int64(rows), Int64(depth))
        parallel(rows, grain: max(1, elementGrain / max(1, depth))) { range in
            withUnsafePointer(to: layout) {
                fk_quantize_activations(
                    $0, floats, stride, Int64(range.lowerBound), Int64(range.upperBound))
            }
        }
        (rounded, storage) = (layout, memory)
    }

    private init(_ whole: ProductInput, _ range: Range<Int>) {
        floats = whole.floats + range.lowerBound * whole.stride
        (stride, rows, depth) = (whole.stride, range.count, whole.depth)
        storage = whole.storage
        rounded = whole.rounded.map { layout in
            withUnsafePointer(to: layout) {
                fk_activations_slice($0, Int64(range.lowerBound), Int64(range.count))
            }
        }
    }

    subscript(range: Range<Int>) -> ProductInput { ProductInput(self, range) }
}

/// One product of a parallel step.
private struct Product: @unchecked Sendable {
    let weight: Matrix
    let packed: UnsafeRawPointer?
    let input: ProductInput
    let bias: UnsafePointer<Float>?
    /// Rows start `stride` elements apart.
    let result: UnsafeMutablePointer<Float>
    let stride: Int

    init(
        _ weight: Matrix, _ input: ProductInput, bias: Tensor?,
        result: UnsafeMutablePointer<Float>, stride: Int
    ) {
        self.weight = weight
        packed = weight.packed()
        self.input = input
        self.bias = bias.map { UnsafePointer($0.floats) }
        self.result = result
        self.stride = stride
    }

    /// Bytes of weights a task reads, at least: about 10 µs from the last-level cache.
    private static let taskBytes = 128 << 10

    /// Rows of the weight a task computes; whole groups of the packed layout.
    func rowsPerTask(threads: Int) -> Int {
        let rows = weight.rowCount
        let byBytes = Self.taskBytes / max(1, weight.tensor.rowBytes * min(input.rows, 16))
        let evenly = (rows + 4 * threads - 1) / (4 * threads)
        let wanted = input.rows == 1 ? max(byBytes, min(evenly, rows)) : max(16, min(evenly, 256))
        return max(16, min(rows, wanted) / 16 * 16)
    }

    /// Computes the rows `range` of the weight.
    func compute(_ range: Range<Int>) {
        let (x, ldx) = (input.floats, input.stride)
        let (t, k) = (Int64(input.rows), Int64(input.depth))
        let (first, last) = (Int64(range.lowerBound), Int64(range.upperBound))
        let type = weight.tensor.dtype.kernelType
        let bytes = weight.tensor.bytes
        if let rounded = input.rounded, weight.isPacked {
            withUnsafePointer(to: rounded) { rounded in
                guard let packed else { return packAndCompute(range, rounded) }
                fk_matmul_packed(
                    type, result, stride, packed, rounded, Int64(weight.rowCount), first, last,
                    bias, 0)
            }
            return
        }
        switch weight.tensor.dtype {
        case .f32:
            let w = bytes.assumingMemoryBound(to: Float.self)
            fk_matmul_f32_nt(
                result, stride, x, ldx, w, input.depth, t, first, last, k, bias, 0)
        case .f16:
            fk_matmul_f16_nt(
                result, stride, x, ldx, bytes, input.depth, t, first, last, k, bias, 0)
        case .bf16:
            fk_matmul_bf16_nt(
                result, stride, x, ldx, bytes, input.depth, t, first, last, k, bias, 0)
        default:
            let panel = input.rows == 1 ? 16 : max(16, (1 << 18) / max(1, input.depth))
            let memory = Storage(byteCount: panel * input.depth * MemoryLayout<Float>.stride)
            let scratch = memory.pointer.assumingMemoryBound(to: Float.self)
            if let scales = weight.blockScales {
                fk_matmul_f8_blocks(
                    result, stride, x, ldx, bytes, scales.floats, t, first, last, k, bias, 0,
                    scratch, Int64(panel))
            } else {
                fk_matmul_blocks(
                    type, result, stride, x, ldx, bytes, t, first, last, k, bias, 0, scratch,
                    Int64(panel))
            }
        }
    }
}

extension Product {
    /// Rows packed at a time where packed weights are not kept: their bytes stay in the
    /// second-level cache.
    private static let rowsAtOnce = 64

    /// The same numbers from weights that are packed on the way and not kept.
    private func packAndCompute(_ range: Range<Int>, _ rounded: UnsafePointer<fk_activations>) {
        let type = weight.tensor.dtype.kernelType
        let (k, rowBytes) = (Int64(input.depth), weight.tensor.rowBytes)
        let memory = Storage(byteCount: fk_packed_bytes(type, Int64(Self.rowsAtOnce), k))
        for row in Swift.stride(from: range.lowerBound, to: range.upperBound, by: Self.rowsAtOnce) {
            let count = Int64(min(Self.rowsAtOnce, range.upperBound - row))
            fk_pack(
                type, memory.pointer, weight.tensor.bytes + row * rowBytes, 0, count, count, k)
            fk_matmul_packed(
                type, result + row, stride, memory.pointer, rounded, count, 0, count,
                bias.map { $0 + row }, 0)
        }
    }
}

private func multiply(_ products: [Product]) {
    let pool = ThreadPool.shared
    var tasks: [(product: Int, rows: Range<Int>)] = []
    for (index, product) in products.enumerated() where product.input.rows > 0 {
        let step = product.rowsPerTask(threads: pool.threadCount)
        for first in stride(from: 0, to: product.weight.rowCount, by: step) {
            tasks.append((index, first..<min(product.weight.rowCount, first + step)))
        }
    }
    pool.run(tasks.count) { index in
        products[tasks[index].product].compute(tasks[index].rows)
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

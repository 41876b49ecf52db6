import FathomKernels

/// Attention over chosen keys by its definition, over keys and values of every head, with
/// gradients; `sparseAttention` is the fast form.
///
/// - Precondition: F32; as many key-value heads as heads; every token's own segment without cache.
public func maskedAttention(
    query: Tensor, key: Tensor, value: Tensor, _ shape: AttentionShape, _ ranges: [Range<Int>],
    _ positions: [[Int32]]
) -> Tensor {
    precondition(shape.headCount == shape.keyValueHeadCount, "one key-value head a head")
    let masked = MaskedAttention(
        query: query.detached(), key: key.detached(), value: value.detached(), shape: shape,
        ranges: ranges, positions: positions)
    let y = masked.forward()
    return y.recorded(from: [query, key, value]) { masked.backward($0) }
}

/// What share of the attention of all heads each chosen key gets: their softmax weights summed over
/// heads and divided by the sum (DeepSeek-V3.2, section 2.1). For each row as many numbers as
/// positions; nothing is recorded.
///
/// - Precondition: as of `maskedAttention`.
public func attentionShares(
    query: Tensor, key: Tensor, _ shape: AttentionShape, _ ranges: [Range<Int>],
    _ positions: [[Int32]]
) -> [[Float]] {
    let masked = MaskedAttention(
        query: query.detached(), key: key.detached(), value: key.detached(), shape: shape,
        ranges: ranges, positions: positions)
    return masked.shares()
}

private struct MaskedAttention {
    let query, key, value: Tensor
    let shape: AttentionShape
    let ranges: [Range<Int>]
    let positions: [[Int32]]

    /// Runs `body` for every query of every head with its weights; heads in parallel.
    private func forEachQuery(
        _ body: (_ head: Int, _ row: Int, _ first: Int, _ keys: [Int32], _ weights: [Float]) -> Void
    ) {
        let (qs, ks, width) = (query.floats, key.floats, shape.keyWidth)
        let stride = shape.headCount * width
        ThreadPool.shared.run(shape.headCount) { head in
            for range in ranges {
                for row in range {
                    let keys = positions[row]
                    let scores = keys.map { position in
                        var dot: Float = 0
                        fk_dot_f32(
                            &dot, qs + row * stride + head * width,
                            ks + (range.lowerBound + Int(position)) * stride + head * width, width)
                        return dot * shape.scale
                    }
                    body(head, row, range.lowerBound, keys, softmax(scores))
                }
            }
        }
    }

    func forward() -> Tensor {
        let y = Tensor.zeros([query.shape.rowCount, shape.headCount * shape.valueWidth])
        let (result, vs, width) = (y.floats, value.floats, shape.valueWidth)
        let stride = shape.headCount * width
        forEachQuery { head, row, first, keys, weights in
            for (position, weight) in zip(keys, weights) {
                fk_axpy_f32(
                    result + row * stride + head * width, weight,
                    vs + (first + Int(position)) * stride + head * width, width)
            }
        }
        return y
    }

    func shares() -> [[Float]] {
        let lengths = positions.map(\.count)
        let starts = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        let total = starts.last ?? 0
        // A part for each head, added up in order.
        let parts = Tensor.zeros([shape.headCount, total])
        let sums = parts.floats
        forEachQuery { head, row, _, _, weights in
            for (index, weight) in weights.enumerated() {
                sums[head * total + starts[row] + index] = weight
            }
        }
        return lengths.indices.map { row in
            var shares = [Float](repeating: 0, count: lengths[row])
            for head in 0..<shape.headCount {
                for index in shares.indices {
                    shares[index] += sums[head * total + starts[row] + index]
                }
            }
            return shares.map { $0 / Float(shape.headCount) }
        }
    }

    func backward(_ gradient: Tensor) -> [Tensor?] {
        let (dq, dk, dv) = (
            Tensor.zeros(query.shape), Tensor.zeros(key.shape), Tensor.zeros(value.shape)
        )
        let (qs, ks, vs, dys) = (query.floats, key.floats, value.floats, gradient.floats)
        let (dqs, dks, dvs) = (dq.floats, dk.floats, dv.floats)
        let (width, valueWidth) = (shape.keyWidth, shape.valueWidth)
        let (stride, valueStride) = (shape.headCount * width, shape.headCount * valueWidth)
        forEachQuery { head, row, first, keys, weights in
            let dy = dys + row * valueStride + head * valueWidth
            let slopes = keys.map { position in
                var dot: Float = 0
                let place = (first + Int(position)) * valueStride + head * valueWidth
                fk_dot_f32(&dot, dy, vs + place, valueWidth)
                return dot
            }
            let mean = zip(slopes, weights).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            let (q, dq) = (qs + row * stride + head * width, dqs + row * stride + head * width)
            for ((position, weight), slope) in zip(zip(keys, weights), slopes) {
                let keyRow = first + Int(position)
                let place = keyRow * stride + head * width
                fk_axpy_f32(
                    dvs + keyRow * valueStride + head * valueWidth, weight, dy, valueWidth)
                let ds = weight * (slope - mean) * shape.scale
                fk_axpy_f32(dq, ds, ks + place, width)
                fk_axpy_f32(dks + place, ds, q, width)
            }
        }
        return [dq, dk, dv]
    }
}

import FathomKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The positions that score highest for each query (DeepSeek-V3.2, equation 1):
/// `I[t, s] = Σ_j w[t, j] · relu(scale · q[t, j] · k[s])` over `s ≤ t`.
///
/// Stores the new index keys, `[T, D]`, in the sequences' pages as `shape` lays them out; queries
/// are `[T, heads · D]`, weights `[T, heads]`. Gives for each row the `keep` best positions,
/// rising, or all where there are no more. Of equal scores the earlier position goes first.
public func chosenKeys(
    query: Tensor, key: Tensor, weights: Tensor, _ shape: AttentionShape, keep: Int,
    _ segments: [AttentionSegment]
) -> [[Int32]] {
    let own = segments.map { $0.pages == nil ? OwnPages(for: $0, shape) : nil }
    let jobs = zip(segments, own).map { segment, own in
        Job(segment, own, shape, query: query, key: key, value: key, result: query, logSums: nil)
    }
    store(jobs, shape)
    var queries: [(job: Int, index: Int, row: Int)] = []
    for (number, segment) in segments.enumerated() {
        for (index, row) in segment.range.enumerated() { queries.append((number, index, row)) }
    }
    let results = Results(count: query.shape.rowCount)
    let factors = weights.floats
    ThreadPool.shared.run(queries.count) { task in
        let (job, index, row) = queries[task]
        let count = segments[job].firstPosition + index + 1
        guard count > keep else {
            results[row] = Array(0..<Int32(count))
            return
        }
        let scores = indexScores(
            jobs[job].kernel, index, weights: factors + row * shape.headCount, shape, count)
        results[row] = largest(keep, of: scores)
    }
    withExtendedLifetime(own) {}
    return results.values
}

/// The scores of the first `count` positions for one query.
private func indexScores(
    _ kernel: fk_attention, _ index: Int, weights: UnsafePointer<Float>, _ shape: AttentionShape,
    _ count: Int
) -> [Float] {
    let cache = kernel.cache
    let (pageLength, heads, width) = (Int(cache.page_length), shape.headCount, shape.keyWidth)
    let stride = (width + 15) / 16 * 16
    let queries = kernel.queries + index * kernel.queries_stride
    var scores = [Float](repeating: 0, count: count)
    var products = [Float](repeating: 0, count: heads * pageLength)
    for start in Swift.stride(from: 0, to: count, by: pageLength) {
        guard let page = cache.pages?[start / pageLength] else { continue }
        let rows = min(pageLength, count - start)
        let keys = page + cache.page_offset
        let (t, last, k) = (Int64(heads), Int64(rows), Int64(width))
        switch cache.type {
        case FK_KV_F32:
            fk_matmul_f32_nt(
                &products, pageLength, queries, width, keys.assumingMemoryBound(to: Float.self),
                stride, t, 0, last, k, nil, 0)
        case FK_KV_F16:
            fk_matmul_f16_nt(
                &products, pageLength, queries, width, keys, stride, t, 0, last, k, nil, 0)
        default:
            fk_matmul_bf16_nt(
                &products, pageLength, queries, width, keys, stride, t, 0, last, k, nil, 0)
        }
        for head in 0..<heads {
            let weight = weights[head]
            for row in 0..<rows {
                let product = products[head * pageLength + row] * shape.scale
                scores[start + row] += weight * max(product, 0)
            }
        }
    }
    return scores
}

/// The indices of the `count` largest scores, rising. Scores that are not numbers choose the
/// earliest; what follows from them is not a number either.
private func largest(_ count: Int, of scores: [Float]) -> [Int32] {
    var values = [Float](repeating: 0, count: count)
    var indices = [Int64](repeating: 0, count: count)
    var found: Int64 = 0
    fk_top_k_f32(&values, &indices, &found, scores, scores.count, count)
    guard found == Int64(count) else { return Array(0..<Int32(count)) }
    return indices.map(Int32.init).sorted()
}

/// Results that tasks fill, each its own.
private final class Results: @unchecked Sendable {
    private let pointer: UnsafeMutableBufferPointer<[Int32]>

    init(count: Int) {
        pointer = .allocate(capacity: count)
        pointer.initialize(repeating: [])
    }

    subscript(index: Int) -> [Int32] {
        get { pointer[index] }
        set { pointer[index] = newValue }
    }

    var values: [[Int32]] { Array(pointer) }

    deinit {
        pointer.deinitialize()
        pointer.deallocate()
    }
}

/// How far an indexer's scores are from where attention looks: the sum over queries of
/// `KL(shares ‖ softmax(I[t, ·]))` over the given positions (DeepSeek-V3.2, equations 3 and 4); a
/// scalar, with gradients to queries, keys and weights.
///
/// - Parameters:
///   - query: index queries `[T, heads · D]`.
///   - key: index keys `[T, D]`.
///   - weights: of the heads, `[T, heads]`.
///   - shares: for each row as many numbers as positions, 1 in sum; see `attentionShares`.
public func indexDivergence(
    query: Tensor, key: Tensor, weights: Tensor, _ shape: AttentionShape, _ ranges: [Range<Int>],
    _ positions: [[Int32]], shares: [[Float]]
) -> Tensor {
    let divergence = IndexDivergence(
        query: query.detached(), key: key.detached(), weights: weights.detached(), shape: shape,
        ranges: ranges, positions: positions, shares: shares)
    let (value, slopes) = divergence.forward()
    return Tensor(value).recorded(from: [query, key, weights]) {
        divergence.backward(slopes, $0.floats[0])
    }
}

private struct IndexDivergence {
    let query, key, weights: Tensor
    let shape: AttentionShape
    let ranges: [Range<Int>]
    let positions: [[Int32]]
    let shares: [[Float]]

    /// `scale · q[t, j] · k[s]` of one query's heads.
    private func product(_ row: Int, _ head: Int, _ keyRow: Int) -> Float {
        let width = shape.keyWidth
        var dot: Float = 0
        fk_dot_f32(
            &dot, query.floats + (row * shape.headCount + head) * width,
            key.floats + keyRow * width, width)
        return dot * shape.scale
    }

    /// The divergence and its slope by every score.
    func forward() -> (Float, [[Float]]) {
        var total = 0.0
        var slopes = [[Float]](repeating: [], count: positions.count)
        for range in ranges {
            for row in range {
                let scores = positions[row].map { position in
                    (0..<shape.headCount).reduce(Float(0)) { sum, head in
                        let value = product(row, head, range.lowerBound + Int(position))
                        return sum + weights.floats[row * shape.headCount + head] * max(value, 0)
                    }
                }
                let normaliser = logSumExp(scores)
                for (share, score) in zip(shares[row], scores) where share > 0 {
                    total += Double(share * (log(share) - (score - normaliser)))
                }
                slopes[row] = zip(softmax(scores), shares[row]).map { $0 - $1 }
            }
        }
        return (Float(total), slopes)
    }

    func backward(_ slopes: [[Float]], _ upstream: Float) -> [Tensor?] {
        let (dq, dk, dw) = (
            Tensor.zeros(query.shape), Tensor.zeros(key.shape), Tensor.zeros(weights.shape)
        )
        let width = shape.keyWidth
        for range in ranges {
            for row in range {
                for (position, slope) in zip(positions[row], slopes[row]) {
                    let keyRow = range.lowerBound + Int(position)
                    for head in 0..<shape.headCount {
                        let value = product(row, head, keyRow)
                        guard value > 0 else { continue }
                        let place = row * shape.headCount + head
                        dw.floats[place] += upstream * slope * value
                        let factor = upstream * slope * weights.floats[place] * shape.scale
                        fk_axpy_f32(
                            dq.floats + place * width, factor, key.floats + keyRow * width, width)
                        fk_axpy_f32(
                            dk.floats + keyRow * width, factor, query.floats + place * width, width)
                    }
                }
            }
        }
        return [dq, dk, dw]
    }
}

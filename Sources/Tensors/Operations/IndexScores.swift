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
    var waiting: [(job: Int, index: Int, row: Int, count: Int)] = []
    var results = [[Int32]](repeating: [], count: query.shape.rowCount)
    for (number, segment) in segments.enumerated() {
        for (index, row) in segment.range.enumerated() {
            let count = segment.firstPosition + index + 1
            if count > keep {
                waiting.append((number, index, row, count))
            } else {
                results[row] = Array(0..<Int32(count))
            }
        }
    }
    // A few at a time: each has a score for every position.
    let step = 8 * ThreadPool.shared.threadCount
    for start in stride(from: 0, to: waiting.count, by: step) {
        let group = waiting[start..<min(waiting.count, start + step)].map { query in
            IndexQuery(
                jobs[query.job].kernel, query.index,
                weights: weights.floats + query.row * shape.headCount, shape, row: query.row,
                count: query.count)
        }
        let parts = group.enumerated().flatMap { number, query in
            (0..<query.spanCount).map { (query: number, span: $0) }
        }
        ThreadPool.shared.run(parts.count) { group[parts[$0].query].score(span: parts[$0].span) }
        ThreadPool.shared.run(group.count) { group[$0].choose(keep) }
        for query in group { results[query.row] = query.chosen }
    }
    withExtendedLifetime(own) {}
    return results
}

/// The scores of one query, computed a span of positions at a time.
private final class IndexQuery: @unchecked Sendable {
    let row: Int
    private(set) var chosen: [Int32] = []

    private let kernel: fk_attention
    private let queries: UnsafePointer<Float>
    private let weights: UnsafePointer<Float>
    private let shape: AttentionShape
    private let count: Int
    private let scores: Storage

    /// Pages of one task: 1,024 positions.
    private static let pagesPerSpan = 16

    init(
        _ kernel: fk_attention, _ index: Int, weights: UnsafePointer<Float>,
        _ shape: AttentionShape, row: Int, count: Int
    ) {
        self.kernel = kernel
        queries = kernel.queries + index * kernel.queries_stride
        self.weights = weights
        self.shape = shape
        self.row = row
        self.count = count
        scores = Storage(byteCount: count * MemoryLayout<Float>.stride)
    }

    private var pageLength: Int { Int(kernel.cache.page_length) }

    var spanCount: Int {
        let positions = Self.pagesPerSpan * pageLength
        return (count + positions - 1) / positions
    }

    func score(span: Int) {
        let memory = Storage(
            byteCount: shape.headCount * pageLength * MemoryLayout<Float>.stride)
        let products = memory.pointer.assumingMemoryBound(to: Float.self)
        let first = span * Self.pagesPerSpan * pageLength
        let end = min(count, first + Self.pagesPerSpan * pageLength)
        for start in stride(from: first, to: end, by: pageLength) {
            let rows = min(pageLength, count - start)
            multiply(page: start / pageLength, rows, into: products)
            let sums = scores.pointer.assumingMemoryBound(to: Float.self) + start
            sums.update(repeating: 0, count: rows)
            for head in 0..<shape.headCount {
                let place = products + head * pageLength
                fk_relu_f32(place, place, rows)
                // Scaling by a number above 0 may wait until behind the ReLU.
                fk_axpy_f32(sums, weights[head] * shape.scale, place, rows)
            }
        }
    }

    /// Products of all heads with the first `rows` index keys of a page.
    private func multiply(page: Int, _ rows: Int, into products: UnsafeMutablePointer<Float>) {
        let cache = kernel.cache
        guard let page = cache.pages?[page] else { return }
        let (width, stride) = (shape.keyWidth, (shape.keyWidth + 15) / 16 * 16)
        let keys = page + cache.page_offset
        let (t, last, k) = (Int64(shape.headCount), Int64(rows), Int64(width))
        switch cache.type {
        case FK_KV_F32:
            fk_matmul_f32_nt(
                products, pageLength, queries, width, keys.assumingMemoryBound(to: Float.self),
                stride, t, 0, last, k, nil, 0)
        case FK_KV_F16:
            fk_matmul_f16_nt(
                products, pageLength, queries, width, keys, stride, t, 0, last, k, nil, 0)
        default:
            fk_matmul_bf16_nt(
                products, pageLength, queries, width, keys, stride, t, 0, last, k, nil, 0)
        }
    }

    /// Keeps the positions of the largest scores, rising. Scores that are not numbers choose the
    /// earliest; what follows from them is not a number either.
    func choose(_ keep: Int) {
        let values = Storage(byteCount: keep * MemoryLayout<Float>.stride)
        var indices = [Int64](repeating: 0, count: keep)
        var found: Int64 = 0
        fk_top_k_f32(
            values.pointer.assumingMemoryBound(to: Float.self), &indices, &found,
            scores.pointer.assumingMemoryBound(to: Float.self), count, keep)
        chosen =
            found == Int64(keep) ? indices.map(Int32.init).sorted() : Array(0..<Int32(keep))
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

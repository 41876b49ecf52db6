import FathomKernels

/// Attention of every query over chosen keys of its sequence (DeepSeek-V3.2, arXiv 2512.02556,
/// equation 2), for shapes whose values are in their keys.
///
/// Stores the new keys, then copies the chosen ones of each query side by side and attends to
/// them: time and memory traffic do not grow with the position. A query that keeps all its keys
/// gets the bits of `attention`.
///
/// - Parameter positions: for each row of the pass the positions of its keys, rising.
/// - Precondition: one key-value head; nothing is recorded.
public func sparseAttention(
    query: Tensor, key: Tensor, _ shape: AttentionShape, _ segments: [AttentionSegment],
    positions: [[Int32]]
) -> Tensor {
    precondition(shape.valuesAreInKeys && shape.keyValueHeadCount == 1, "keys must be shared")
    precondition(!query.isRecorded && !key.isRecorded, "gathered keys record no gradient")
    let y = Tensor(
        uninitialized: [query.shape.rowCount, shape.headCount * shape.valueWidth])
    let own = segments.map { $0.pages == nil ? OwnPages(for: $0, shape) : nil }
    let jobs = zip(segments, own).map { segment, own in
        Job(
            segment, own, shape, query: query, key: key, value: key, result: y, logSums: nil)
    }
    store(jobs, shape)
    var waiting: [GatheredQuery] = []
    for (segment, job) in zip(segments, jobs) {
        for (index, row) in segment.range.enumerated() {
            waiting.append(
                GatheredQuery(
                    job: job, index: index, positions: positions[row], segment: segment,
                    shape: shape))
        }
    }
    // A few at a time: each copies its keys.
    let step = 8 * ThreadPool.shared.threadCount
    for start in stride(from: 0, to: waiting.count, by: step) {
        let group = Array(waiting[start..<min(waiting.count, start + step)])
        ThreadPool.shared.run(group.count) { group[$0].copyKeys() }
        attend(group.map(\.attention), shape)
        withExtendedLifetime(group) {}
    }
    withExtendedLifetime(own) {}
    return y
}

/// One query with its keys side by side.
private final class GatheredQuery {
    private let job: Job
    private let positions: [Int32]
    private let rowBytes: Int
    private let pageLength: Int
    private let pages: OwnPages
    let attention: Job

    init(
        job: Job, index: Int, positions: [Int32], segment: AttentionSegment, shape: AttentionShape
    ) {
        self.job = job
        self.positions = positions
        pageLength = segment.pageLength
        rowBytes = (shape.keyWidth + 15) / 16 * 16 * segment.dtype.blockBytes
        pages = OwnPages(positions: positions.count, for: segment, shape)
        attention = job.query(index, over: pages, keyCount: positions.count)
    }

    func copyKeys() {
        guard let source = job.kernel.cache.pages else { return }
        for (place, position) in positions.enumerated() {
            let (page, row) = Int(position).quotientAndRemainder(dividingBy: pageLength)
            let (targetPage, targetRow) = place.quotientAndRemainder(dividingBy: pageLength)
            guard let from = source[page], let to = pages.table[targetPage] else { continue }
            (to + targetRow * rowBytes).copyMemory(
                from: from + job.kernel.cache.page_offset + row * rowBytes, byteCount: rowBytes)
        }
    }
}

/// The same attention by its definition, over keys and values of every head, with gradients.
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

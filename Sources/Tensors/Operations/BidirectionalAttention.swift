import FathomKernels

/// Attention in which every token of a sequence sees all tokens of it, as in encoders.
///
/// Queries are `[T, H · D]`, keys `[T, G · D]`, values `[T, G · Dv]`, the result `[T, H · Dv]`, as
/// for `attention`; nothing is kept and nothing is recorded. A sequence's result has the same bits
/// whatever else is in the pass.
///
/// - Precondition: the ranges are consecutive and cover the pass; values are not in the keys.
public func bidirectionalAttention(
    query: Tensor, key: Tensor, value: Tensor, _ shape: AttentionShape, _ ranges: [Range<Int>]
) -> Tensor {
    precondition(
        !query.isRecorded && !key.isRecorded && !value.isRecorded,
        "attention to both sides records no gradient")
    precondition(
        !shape.valuesAreInKeys && query.shape.last == shape.headCount * shape.keyWidth
            && key.shape.last == shape.keyValueHeadCount * shape.keyWidth
            && value.shape.last == shape.keyValueHeadCount * shape.valueWidth,
        "query \(query.shape), key \(key.shape), value \(value.shape) do not fit \(shape)")
    let y = Tensor(uninitialized: [query.shape.rowCount, shape.headCount * shape.valueWidth])
    let used = ranges.filter { !$0.isEmpty }
    // The longest first, so that none is left running alone at the end.
    let order = used.sorted { $0.count > $1.count }
    let scratchFloats = withUnsafePointer(
        to: shape.cache(nil, offset: 0, AttentionSegment(range: 0..<0).pageLength, .f32)
    ) {
        fk_attend_scratch_floats($0, shape.headCount / shape.keyValueHeadCount)
    }
    // Tasks of a few heads where there are few sequences, of whole sequences where there are many.
    let heads = shape.keyValueHeadCount
    let pieces = min(heads, max(1, 4 * ThreadPool.shared.threadCount / max(1, order.count)))
    ThreadPool.shared.run(order.count * pieces) { task in
        let piece = task % pieces
        let own = (heads * piece / pieces)..<(heads * (piece + 1) / pieces)
        let segment = AttentionSegment(range: order[task / pieces])
        let part = AttentionShape(
            headCount: shape.headCount / heads * own.count, keyValueHeadCount: own.count,
            keyWidth: shape.keyWidth, valueWidth: shape.valueWidth, scale: shape.scale)
        let pages = OwnPages(for: segment, part)
        let job = Job(
            segment, pages, part, query: query, key: key, value: value, result: y, logSums: nil
        ).bidirectional.fromHead(own.lowerBound)
        job.store(heads: 0..<own.count)
        job.attend(
            queries: 0..<segment.range.count, heads: 0..<own.count,
            scratch: Storage(byteCount: 4 * scratchFloats))
    }
    return y
}

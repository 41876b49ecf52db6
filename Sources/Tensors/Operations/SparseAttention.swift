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

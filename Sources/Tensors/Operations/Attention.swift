import FathomKernels

/// The sizes of a causal grouped-query attention (Ainslie et al., 2023).
public struct AttentionShape: Sendable, Hashable {
    /// Query heads, a multiple of `keyValueHeadCount`.
    public let headCount: Int
    public let keyValueHeadCount: Int
    public let keyWidth: Int
    public let valueWidth: Int
    /// What scores are multiplied by, usually `1 / sqrt(keyWidth)`.
    public let scale: Float
    /// Whether a value is the first part of its key and kept only there, as in the latent form of
    /// DeepSeek-V2's attention.
    public let valuesAreInKeys: Bool

    public init(
        headCount: Int, keyValueHeadCount: Int, keyWidth: Int, valueWidth: Int, scale: Float,
        valuesAreInKeys: Bool = false
    ) {
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.keyWidth = keyWidth
        self.valueWidth = valueWidth
        self.scale = scale
        self.valuesAreInKeys = valuesAreInKeys
    }

    /// Bytes that one position takes in one layer, without padding.
    public func bytesPerPosition(dtype: DType) -> Int {
        keyValueHeadCount * (keyWidth + (valuesAreInKeys ? 0 : valueWidth)) * dtype.blockBytes
    }

    /// Bytes that a page of `pageLength` positions takes in one layer.
    ///
    /// - Precondition: `dtype` is F32, F16 or BF16.
    public func pageBytes(pageLength: Int, dtype: DType) -> Int {
        withUnsafePointer(to: cache(nil, offset: 0, pageLength, dtype)) { fk_kv_page_bytes($0) }
    }

    func cache(
        _ pages: UnsafePointer<UnsafeMutableRawPointer?>?, offset: Int, _ pageLength: Int,
        _ dtype: DType
    ) -> fk_kv_cache {
        let type: fk_kv_type =
            switch dtype {
            case .f32: FK_KV_F32
            case .f16: FK_KV_F16
            case .bf16: FK_KV_BF16
            default: preconditionFailure("keys and values cannot be kept as \(dtype.name)")
            }
        return fk_kv_cache(
            pages: pages, page_offset: offset, page_length: pageLength,
            key_value_heads: keyValueHeadCount, key_dim: keyWidth, value_dim: valueWidth,
            type: type, values_in_keys: valuesAreInKeys ? 1 : 0)
    }
}

/// The part of a pass that belongs to one sequence, with the pages that hold its keys and values.
public struct AttentionSegment {
    /// Where its tokens stand in the pass.
    public let range: Range<Int>
    /// The position of the first of them.
    public let firstPosition: Int
    /// Pages for all positions up to the last of `range`; `nil` for a sequence that keeps none.
    let pages: UnsafePointer<UnsafeMutableRawPointer?>?
    let pageOffset: Int
    let pageLength: Int
    let dtype: DType

    /// A sequence without a cache: it attends to its own tokens of the pass.
    public init(range: Range<Int>) {
        self.range = range
        firstPosition = 0
        pages = nil
        pageOffset = 0
        pageLength = 64
        dtype = .f32
    }

    /// A sequence whose pages are listed in `pages`, each layer's part `pageOffset` bytes in.
    package init(
        range: Range<Int>, firstPosition: Int, pages: UnsafePointer<UnsafeMutableRawPointer?>,
        pageOffset: Int, pageLength: Int, dtype: DType
    ) {
        self.range = range
        self.firstPosition = firstPosition
        self.pages = pages
        self.pageOffset = pageOffset
        self.pageLength = pageLength
        self.dtype = dtype
    }
}

/// Causal attention of the sequences of one pass.
///
/// Stores the new keys and values in the pages, then gives each query the softmax-weighted mean
/// of the values it may see. Queries are `[T, H · D]`, rotated and not scaled; keys `[T, G · D]`;
/// values `[T, G · Dv]`, absent where they are in the keys; the result is `[T, H · Dv]`. Online softmax in fixed blocks (Dao, 2023):
/// a query's result does not depend on what else is in the pass.
///
/// - Precondition: the segments are consecutive and cover the pass; recorded tensors only in
///   segments without pages.
public func attention(
    query: Tensor, key: Tensor, value: Tensor? = nil, _ shape: AttentionShape,
    _ segments: [AttentionSegment]
) -> Tensor {
    precondition(
        shape.valuesAreInKeys == (value == nil), "values are given apart or within the keys")
    // The kernel reads no values where keys hold them.
    let value = value ?? key
    let tokens = query.shape.rowCount
    precondition(
        query.shape.last == shape.headCount * shape.keyWidth
            && key.shape.last == shape.keyValueHeadCount * shape.keyWidth
            && (shape.valuesAreInKeys
                || value.shape.last == shape.keyValueHeadCount * shape.valueWidth),
        "query \(query.shape), key \(key.shape), value \(value.shape) do not fit \(shape)")
    let y = Tensor(uninitialized: [tokens, shape.headCount * shape.valueWidth])
    let records = query.isRecorded || key.isRecorded || value.isRecorded
    precondition(
        !records || (!shape.valuesAreInKeys && segments.allSatisfy { $0.pages == nil }),
        "a cache and shared values record no gradient")
    let logSums = records ? Tensor(uninitialized: [tokens, shape.headCount]) : nil
    let own = segments.map { $0.pages == nil ? OwnPages(for: $0, shape) : nil }
    let jobs = zip(segments, own).map { segment, own in
        Job(segment, own, shape, query: query, key: key, value: value, result: y, logSums: logSums)
    }
    store(jobs, shape)
    attend(jobs, shape)
    withExtendedLifetime(own) {}
    guard records, let logSums else { return y }
    let (q, k, v, output) = (query.detached(), key.detached(), value.detached(), y)
    let ranges = segments.map(\.range)
    return y.recorded(from: [query, key, value]) { gradient in
        attentionBackward(
            gradient, query: q, key: k, value: v, output: output, logSums: logSums, shape, ranges)
    }
}

/// Keeps the keys of a pass in the sequences' pages, for attention whose values are in its keys,
/// without attending to them.
public func storeKeys(_ key: Tensor, _ shape: AttentionShape, _ segments: [AttentionSegment]) {
    precondition(shape.valuesAreInKeys, "values are needed as well")
    let kept = segments.filter { $0.pages != nil }
    store(
        kept.map { segment in
            Job(segment, nil, shape, query: key, key: key, value: key, result: key, logSums: nil)
        }, shape)
}

/// Pages for a sequence that keeps none, freed after the pass.
final class OwnPages {
    let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let storage: Storage

    convenience init(for segment: AttentionSegment, _ shape: AttentionShape) {
        self.init(positions: segment.range.count, for: segment, shape)
    }

    /// Pages like those of a segment, for some positions.
    init(positions: Int, for segment: AttentionSegment, _ shape: AttentionShape) {
        let bytes = shape.pageBytes(pageLength: segment.pageLength, dtype: segment.dtype)
        let count = max(1, (positions + segment.pageLength - 1) / segment.pageLength)
        storage = Storage(byteCount: bytes * count)
        table = .allocate(capacity: count)
        for index in 0..<count { table[index] = storage.pointer + index * bytes }
    }

    deinit { table.deallocate() }
}

/// One sequence's attention, as the kernel takes it.
struct Job {
    private(set) var kernel: fk_attention
    private(set) var keys, values: UnsafePointer<Float>
    let keyStride, valueStride: Int
    private(set) var count: Int

    init(
        _ segment: AttentionSegment, _ own: OwnPages?, _ shape: AttentionShape, query: Tensor,
        key: Tensor, value: Tensor, result: Tensor, logSums: Tensor?
    ) {
        let start = segment.range.lowerBound
        count = segment.range.count
        (keyStride, valueStride) = (key.shape.last, value.shape.last)
        keys = UnsafePointer(key.floats + start * keyStride)
        values = UnsafePointer(value.floats + start * valueStride)
        let pages = segment.pages ?? own.map { UnsafePointer($0.table) }
        kernel = fk_attention(
            cache: shape.cache(
                pages, offset: segment.pageOffset, segment.pageLength, segment.dtype),
            queries: query.floats + start * query.shape.last, queries_stride: query.shape.last,
            outputs: result.floats + start * result.shape.last,
            outputs_stride: result.shape.last,
            logsumexps: logSums.map { $0.floats + start * shape.headCount },
            group: shape.headCount / shape.keyValueHeadCount,
            first_position: segment.firstPosition, key_count: 0, scale: shape.scale)
    }

    /// The same attention with every query seeing all keys.
    var bidirectional: Job {
        var copy = self
        copy.kernel.key_count = keyCount
        return copy
    }

    /// The same attention for the key-value heads from one on, whose pages begin with it.
    func fromHead(_ head: Int) -> Job {
        var copy = self
        let cache = kernel.cache
        copy.keys += head * cache.key_dim
        copy.values += head * cache.value_dim
        copy.kernel.queries += head * kernel.group * cache.key_dim
        copy.kernel.outputs += head * kernel.group * cache.value_dim
        return copy
    }

    /// Keeps the keys and values of some key-value heads in the pages.
    func store(heads: Range<Int>) {
        withUnsafePointer(to: kernel.cache) {
            fk_kv_store(
                $0, keys, keyStride, values, valueStride, Int(kernel.first_position), count,
                heads.lowerBound, heads.upperBound)
        }
    }

    /// Attends with some of the queries, for some key-value heads.
    func attend(queries: Range<Int>, heads: Range<Int>, scratch: Storage) {
        withUnsafePointer(to: kernel) {
            fk_attend(
                $0, queries.lowerBound, queries.upperBound, heads.lowerBound, heads.upperBound,
                scratch.pointer.assumingMemoryBound(to: Float.self))
        }
    }

    /// The attention of one query of this sequence, `index`, over gathered keys alone.
    func query(_ index: Int, over pages: OwnPages, keyCount: Int) -> Job {
        var copy = self
        copy.kernel.cache.pages = UnsafePointer(pages.table)
        copy.kernel.cache.page_offset = 0
        copy.kernel.queries = kernel.queries + index * kernel.queries_stride
        copy.kernel.outputs = kernel.outputs + index * kernel.outputs_stride
        copy.kernel.logsumexps = nil
        copy.kernel.first_position = keyCount - 1
        copy.count = 1
        return copy
    }

    /// The keys that the last query sees.
    var keyCount: Int { Int(kernel.first_position) + count }
}

func store(_ jobs: [Job], _ shape: AttentionShape) {
    let heads = shape.keyValueHeadCount
    let elements = jobs.reduce(0) { $0 + $1.count } * heads * (shape.keyWidth + shape.valueWidth)
    if elements < elementGrain {
        for job in jobs { job.store(heads: 0..<heads) }
    } else {
        ThreadPool.shared.run(jobs.count * heads) { task in
            jobs[task / heads].store(heads: (task % heads)..<(task % heads + 1))
        }
    }
}

/// A part of the work that one thread does at a time.
private struct AttentionTask {
    let job: Int
    let queries: Range<Int>
    let head: Int
    /// Which span of keys, where few queries meet many keys; `nil` for all of them.
    let span: Int?
    let cost: Int
}

/// Queries of one task: enough to fill the kernel's tiles, few enough to share out.
private let queriesPerTask = 64

func attend(_ jobs: [Job], _ shape: AttentionShape) {
    let pool = ThreadPool.shared
    let heads = shape.keyValueHeadCount
    let spanLength = FK_ATTENTION_SPAN
    var tasks: [AttentionTask] = []
    var records: [Storage?] = []
    for (index, job) in jobs.enumerated() {
        let spans = (job.keyCount + spanLength - 1) / spanLength
        let splits = job.count < 8 && spans > 1 && jobs.count * heads < 8 * pool.threadCount
        if splits {
            let floats = withUnsafePointer(to: job.kernel.cache) { fk_attend_record_floats($0) }
            let group = shape.headCount / heads
            records.append(Storage(byteCount: 4 * floats * spans * job.count * group * heads))
            for head in 0..<heads {
                for span in 0..<spans {
                    tasks.append(
                        .init(job: index, queries: 0..<job.count, head: head, span: span, cost: 0))
                }
            }
            continue
        }
        records.append(nil)
        for start in stride(from: 0, to: job.count, by: queriesPerTask) {
            let end = min(job.count, start + queriesPerTask)
            for head in 0..<heads {
                let cost = (end - start) * (Int(job.kernel.first_position) + end)
                tasks.append(
                    .init(job: index, queries: start..<end, head: head, span: nil, cost: cost))
            }
        }
    }
    // The longest first, so that none is left running alone at the end.
    if tasks.count > 2 { tasks.sort { $0.cost > $1.cost } }
    guard let first = jobs.first else { return }
    let scratchFloats = jobs.reduce(0) { most, job in
        max(
            most,
            withUnsafePointer(to: job.kernel.cache) {
                fk_attend_scratch_floats($0, first.kernel.group)
            })
    }
    pool.run(tasks.count) { index in
        let task = tasks[index]
        let scratch = Storage(byteCount: 4 * scratchFloats)
        let floats = scratch.pointer.assumingMemoryBound(to: Float.self)
        withUnsafePointer(to: jobs[task.job].kernel) { kernel in
            if let span = task.span, let storage = records[task.job] {
                fk_attend_span(
                    headRecords(storage, kernel, task.queries.count, task.head), kernel, 0,
                    task.queries.count, task.head, span, floats)
            } else {
                jobs[task.job].attend(
                    queries: task.queries, heads: task.head..<(task.head + 1), scratch: scratch)
            }
        }
    }
    for (job, storage) in zip(jobs, records) {
        guard let storage else { continue }
        withUnsafePointer(to: job.kernel) { kernel in
            for head in 0..<heads {
                fk_attend_merge(
                    kernel, headRecords(storage, kernel, job.count, head), 0, job.count, head)
            }
        }
    }
}

/// Where the span records of one head begin.
private func headRecords(
    _ storage: Storage, _ kernel: UnsafePointer<fk_attention>, _ queries: Int, _ head: Int
) -> UnsafeMutablePointer<Float> {
    let perHead = storage.byteCount / 4 / Int(kernel.pointee.cache.key_value_heads)
    return storage.pointer.assumingMemoryBound(to: Float.self) + head * perHead
}

private func attentionBackward(
    _ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, output: Tensor,
    logSums: Tensor, _ shape: AttentionShape, _ ranges: [Range<Int>]
) -> [Tensor?] {
    let dq = Tensor(uninitialized: query.shape)
    let dk = Tensor(uninitialized: key.shape)
    let dv = Tensor(uninitialized: value.shape)
    let heads = shape.keyValueHeadCount
    let jobs = ranges.map { range in
        let start = range.lowerBound
        func at(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
            tensor.floats + start * tensor.shape.last
        }
        return fk_attention_gradient(
            queries: at(query), keys: at(key), values: at(value), outputs: at(output),
            doutputs: at(gradient), logsumexps: at(logSums), dqueries: at(dq), dkeys: at(dk),
            dvalues: at(dv), tokens: range.count, key_value_heads: heads,
            group: shape.headCount / heads, key_dim: shape.keyWidth, value_dim: shape.valueWidth,
            scale: shape.scale)
    }
    ThreadPool.shared.run(jobs.count * heads) { task in
        withUnsafePointer(to: jobs[task / heads]) { job in
            let scratch = Storage(byteCount: 4 * fk_attend_backward_scratch_floats(job))
            fk_attend_backward(
                job, task % heads, task % heads + 1,
                scratch.pointer.assumingMemoryBound(to: Float.self))
        }
    }
    return [dq, dk, dv]
}

import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Shapes of attention: `first` positions before the queries, `group` heads a key-value head.
struct AttentionShape: CustomStringConvertible, Sendable {
    var first = 0
    var queries: Int
    var keyValueHeads = 1
    var group = 1
    var keyDimension = 16
    var valueDimension = 16
    var pageLength = 64
    /// Whether a value is the first part of its key.
    var valuesInKeys = false
    /// Whether a query sees the keys behind it too.
    var seesAll = false

    var positions: Int { first + queries }
    var heads: Int { keyValueHeads * group }
    var description: String {
        "\(queries) queries from \(first), \(keyValueHeads) x \(group) heads, \(keyDimension) / "
            + "\(valueDimension), pages of \(pageLength)\(valuesInKeys ? ", shared" : "")\(seesAll ? ", both ways" : "")"
    }

    static let all = [
        AttentionShape(queries: 1, keyDimension: 8, valueDimension: 8),
        AttentionShape(
            first: 600, queries: 1, keyValueHeads: 3, group: 3, keyDimension: 64,
            valueDimension: 64),
        AttentionShape(
            queries: 17, keyValueHeads: 2, group: 3, keyDimension: 64, valueDimension: 64),
        AttentionShape(first: 33, queries: 70, group: 4, valueDimension: 40, pageLength: 16),
        AttentionShape(
            first: 490, queries: 60, keyValueHeads: 2, group: 2, keyDimension: 33,
            valueDimension: 17, pageLength: 48),
        AttentionShape(first: 1100, queries: 20, group: 7, keyDimension: 24),
        AttentionShape(first: 100, queries: 20, keyDimension: 192, valueDimension: 128),
        AttentionShape(first: 130, queries: 3, group: 50, keyDimension: 32, valueDimension: 32),
        AttentionShape(queries: 130, keyDimension: 64, valueDimension: 80, pageLength: 128),
        AttentionShape(
            first: 530, queries: 3, group: 16, keyDimension: 72, valueDimension: 64,
            valuesInKeys: true),
        AttentionShape(
            queries: 70, keyValueHeads: 2, group: 3, keyDimension: 41, valueDimension: 25,
            pageLength: 48, valuesInKeys: true),
        AttentionShape(
            first: 3, queries: 1, keyDimension: 16, valueDimension: 16, pageLength: 16,
            valuesInKeys: true),
        AttentionShape(
            queries: 1, keyDimension: 32, valueDimension: 32, seesAll: true),
        AttentionShape(
            queries: 75, keyValueHeads: 3, keyDimension: 32, valueDimension: 32, seesAll: true),
        AttentionShape(
            first: 500, queries: 41, keyValueHeads: 2, group: 2, keyDimension: 33,
            valueDimension: 17, pageLength: 48, seesAll: true),
    ]
}

/// A sequence in a paged cache, and queries to ask of it.
///
/// Pages begin filled with NaN, so anything read beyond what was stored shows.
final class AttentionCase {
    let shape: AttentionShape
    let type: fk_kv_type
    let keys, values, queries: [Float]
    private(set) var cache: fk_kv_cache
    private var pages: [UnsafeMutableRawPointer?]
    private let pageTable: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    let pageBytes: Int

    typealias Store = (
        UnsafePointer<fk_kv_cache>?, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int, Int,
        Int, Int, Int
    ) -> Void
    typealias Attend = (
        UnsafePointer<fk_attention>?, Int, Int, Int, Int, UnsafeMutablePointer<Float>?
    ) -> Void
    typealias Span = (
        UnsafeMutablePointer<Float>?, UnsafePointer<fk_attention>?, Int, Int, Int, Int,
        UnsafeMutablePointer<Float>?
    ) -> Void
    typealias Merge = (
        UnsafePointer<fk_attention>?, UnsafeMutablePointer<Float>?, Int, Int, Int
    ) -> Void

    init(_ shape: AttentionShape, type: fk_kv_type, seed: UInt64 = 1, stored: Int? = nil) {
        var numbers = SeededGenerator(seed: seed)
        self.shape = shape
        self.type = type
        let keys = numbers.row(shape.positions * shape.keyValueHeads * shape.keyDimension)
        self.keys = keys
        values =
            shape.valuesInKeys
            ? (0..<shape.positions * shape.keyValueHeads).flatMap { row in
                keys[(row * shape.keyDimension)...].prefix(shape.valueDimension)
            } : numbers.row(shape.positions * shape.keyValueHeads * shape.valueDimension)
        queries = numbers.row(shape.queries * shape.heads * shape.keyDimension, scale: 4)
        let offset = 64
        var cache = fk_kv_cache(
            pages: nil, page_offset: offset, page_length: shape.pageLength,
            key_value_heads: shape.keyValueHeads, key_dim: shape.keyDimension,
            value_dim: shape.valueDimension, type: type,
            values_in_keys: shape.valuesInKeys ? 1 : 0)
        pageBytes = offset + fk_kv_page_bytes(&cache)
        let bytes = pageBytes
        pages = (0..<((shape.positions + shape.pageLength - 1) / shape.pageLength)).map { _ in
            let page = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            page.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes)
            return page
        }
        pageTable = .allocate(capacity: pages.count)
        pageTable.initialize(from: pages, count: pages.count)
        cache.pages = UnsafePointer(pageTable)
        self.cache = cache
        store(fk_kv_store_reference, 0..<(stored ?? shape.positions))
    }

    deinit {
        for page in pages { page?.deallocate() }
        pageTable.deallocate()
    }

    func store(_ run: Store, _ range: Range<Int>, heads: Range<Int>? = nil) {
        let heads = heads ?? 0..<shape.keyValueHeads
        let keyWidth = shape.keyValueHeads * shape.keyDimension
        let valueWidth = shape.keyValueHeads * shape.valueDimension
        run(
            &cache, Array(keys[(range.lowerBound * keyWidth)...]), keyWidth,
            Array(values[(range.lowerBound * valueWidth)...]), valueWidth, range.lowerBound,
            range.count, heads.lowerBound, heads.upperBound)
    }

    func clearPages() {
        for page in pages {
            page?.initializeMemory(as: UInt8.self, repeating: 0xff, count: pageBytes)
        }
    }

    /// The bytes of all pages.
    var contents: [[UInt8]] {
        pages.map { page in
            page.map { Array(UnsafeRawBufferPointer(start: $0, count: pageBytes)) } ?? []
        }
    }

    /// Keys and values as the cache gives them back.
    func loaded() -> (keys: [Float], values: [Float]) {
        var k = keys, v = values
        fk_kv_load(
            &k, shape.keyValueHeads * shape.keyDimension, &v,
            shape.keyValueHeads * shape.valueDimension, &cache, 0, shape.positions)
        return (k, v)
    }

    /// Outputs, then logsumexps, of what `work` computes.
    private func results(_ work: (inout fk_attention, UnsafeMutablePointer<Float>) -> Void)
        -> [Float]
    {
        let outputCount = shape.queries * shape.heads * shape.valueDimension
        var results = [Float](
            repeating: -77, count: outputCount + shape.queries * shape.heads)
        var scratch = [Float](
            repeating: .nan, count: fk_attend_scratch_floats(&cache, shape.group))
        results.withUnsafeMutableBufferPointer { results in
            queries.withUnsafeBufferPointer { queries in
                var attention = fk_attention(
                    cache: cache, queries: queries.baseAddress,
                    queries_stride: shape.heads * shape.keyDimension,
                    outputs: results.baseAddress,
                    outputs_stride: shape.heads * shape.valueDimension,
                    logsumexps: results.baseAddress.map { $0 + outputCount }, group: shape.group,
                    first_position: shape.first, key_count: shape.seesAll ? shape.positions : 0,
                    scale: 1 / Float(shape.keyDimension).squareRoot())
                scratch.withUnsafeMutableBufferPointer {
                    if let scratch = $0.baseAddress { work(&attention, scratch) }
                }
            }
        }
        return results
    }

    /// All queries in pieces of `step` queries and `headStep` key-value heads.
    func run(_ attend: Attend, step: Int? = nil, headStep: Int? = nil) -> [Float] {
        results { attention, scratch in
            for t in stride(from: 0, to: shape.queries, by: step ?? shape.queries) {
                let heads = headStep ?? shape.keyValueHeads
                for head in stride(from: 0, to: shape.keyValueHeads, by: heads) {
                    attend(
                        &attention, t, min(t + (step ?? shape.queries), shape.queries), head,
                        min(head + heads, shape.keyValueHeads), scratch)
                }
            }
        }
    }

    /// All queries by spans of keys, taken in falling order, then merged.
    func run(_ span: Span, _ merge: Merge) -> [Float] {
        let spans = (shape.positions + FK_ATTENTION_SPAN - 1) / FK_ATTENTION_SPAN
        let floats = fk_attend_record_floats(&cache)
        var records = [Float](
            repeating: .nan, count: spans * shape.queries * shape.group * floats)
        return results { attention, scratch in
            for head in 0..<shape.keyValueHeads {
                for i in (0..<spans).reversed() {
                    span(&records, &attention, 0, shape.queries, head, i, scratch)
                }
                merge(&attention, &records, 0, shape.queries, head)
            }
        }
    }

    /// Softmax attention in double over the keys and values of the cache.
    func exact() -> [Double] {
        let (keys, values) = loaded()
        let scale = Double(1 / Float(shape.keyDimension).squareRoot())
        var outputs: [Double] = [], logSums: [Double] = []
        for t in 0..<shape.queries {
            for head in 0..<shape.heads {
                let kvHead = head / shape.group
                let query = (t * shape.heads + head) * shape.keyDimension
                let seen = shape.seesAll ? shape.positions : shape.first + t + 1
                let scores = (0..<seen).map { j in
                    let key = (j * shape.keyValueHeads + kvHead) * shape.keyDimension
                    return scale
                        * (0..<shape.keyDimension).reduce(0.0) {
                            $0 + Double(queries[query + $1]) * Double(keys[key + $1])
                        }
                }
                let largest = scores.max() ?? 0
                let weights = scores.map { exp($0 - largest) }
                let sum = weights.reduce(0, +)
                logSums.append(largest + log(sum))
                for d in 0..<shape.valueDimension {
                    let weighted = weights.enumerated().reduce(0.0) { total, weight in
                        let row = weight.offset * shape.keyValueHeads + kvHead
                        return total
                            + weight.element * Double(values[row * shape.valueDimension + d])
                    }
                    outputs.append(weighted / sum)
                }
            }
        }
        return outputs + logSums
    }
}

private let cacheTypes = [FK_KV_F32, FK_KV_F16, FK_KV_BF16]

@Suite("Attention kernels")
struct NNAttentionTests {
    /// Scores below 8 carry errors of D half ulps at most, which the softmax turns into a
    /// relative error of the weights; values lie within -1 ... 1.
    @Test("outputs agree with softmax attention in double", arguments: AttentionShape.all)
    func accuracy(shape: AttentionShape) {
        for type in cacheTypes {
            let test = AttentionCase(shape, type: type)
            let bound = 4e-7 * (8 + Double(shape.keyDimension).squareRoot())
            expectNear(test.run(fk_attend), test.exact(), within: bound)
        }
    }

    @Test(
        "a query has the same bits alone, among others, by heads and by spans",
        arguments: AttentionShape.all)
    func splits(shape: AttentionShape) {
        for type in cacheTypes {
            let test = AttentionCase(shape, type: type)
            let expected = test.run(fk_attend)
            for step in [1, 3, 16, 50] {
                expectSameBits(test.run(fk_attend, step: step), expected, "\(step) queries")
            }
            expectSameBits(test.run(fk_attend, headStep: 1), expected, "head by head")
            expectSameBits(test.run(fk_attend_span, fk_attend_merge), expected, "by spans")
        }
    }

    @Test("every level has the reference's bits", arguments: AttentionShape.all)
    func levels(shape: AttentionShape) {
        let attends = fasterVariants(fk_attend_levels, fk_attend_variant)
        let spans = fasterVariants(fk_attend_span_levels, fk_attend_span_variant)
        let merges = fasterVariants(fk_attend_merge_levels, fk_attend_merge_variant)
        for type in cacheTypes {
            let test = AttentionCase(shape, type: type)
            let expected = test.run(fk_attend_reference)
            expectSameBits(
                test.run(fk_attend_span_reference, fk_attend_merge_reference), expected)
            for variant in attends {
                expectSameBits(test.run(variant.run), expected, "\(variant.level)")
                expectSameBits(test.run(variant.run, step: 1), expected, "\(variant.level)")
            }
            for (span, merge) in zip(spans, merges) {
                expectSameBits(test.run(span.run, merge.run), expected, "\(span.level)")
            }
        }
    }

    @Test("queries, outputs, keys and values may lie further apart than they are wide")
    func strides() {
        let shape = AttentionShape(
            first: 5, queries: 40, keyValueHeads: 2, group: 2, keyDimension: 24, valueDimension: 20)
        let test = AttentionCase(shape, type: FK_KV_F16)
        let expected = test.run(fk_attend)
        let width = shape.heads * shape.valueDimension
        func spread(_ rows: [Float], _ width: Int) -> [Float] {
            stride(from: 0, to: rows.count, by: width).flatMap {
                rows[$0..<($0 + width)] + [.nan, .nan, .nan]
            }
        }
        let keyWidth = shape.keyValueHeads * shape.keyDimension
        let valueWidth = shape.keyValueHeads * shape.valueDimension
        test.clearPages()
        var cache = test.cache
        fk_kv_store(
            &cache, spread(test.keys, keyWidth), keyWidth + 3, spread(test.values, valueWidth),
            valueWidth + 3, 0, shape.positions, 0, shape.keyValueHeads)
        var outputs = [Float](repeating: -77, count: shape.queries * (width + 3))
        var scratch = [Float](
            repeating: .nan, count: fk_attend_scratch_floats(&cache, shape.group))
        spread(test.queries, shape.heads * shape.keyDimension).withUnsafeBufferPointer { queries in
            outputs.withUnsafeMutableBufferPointer { outputs in
                var attention = fk_attention(
                    cache: cache, queries: queries.baseAddress,
                    queries_stride: shape.heads * shape.keyDimension + 3,
                    outputs: outputs.baseAddress, outputs_stride: width + 3, logsumexps: nil,
                    group: shape.group, first_position: shape.first, key_count: 0,
                    scale: 1 / Float(shape.keyDimension).squareRoot())
                fk_attend(&attention, 0, shape.queries, 0, shape.keyValueHeads, &scratch)
            }
        }
        for t in 0..<shape.queries {
            let row = Array(outputs[(t * (width + 3))..<(t * (width + 3) + width)])
            expectSameBits(row, Array(expected[(t * width)..<((t + 1) * width)]), "query \(t)")
            let between = outputs[(t * (width + 3) + width)..<((t + 1) * (width + 3))]
            #expect(between.allSatisfy { $0 == -77 })
        }
    }

    @Test("the page length changes no bit")
    func pageLengths() {
        var shape = AttentionShape(
            first: 60, queries: 90, keyValueHeads: 2, group: 2, keyDimension: 32,
            valueDimension: 32)
        let expected = AttentionCase(shape, type: FK_KV_F16).run(fk_attend)
        for length in [16, 32, 48, 128, 256] {
            shape.pageLength = length
            let found = AttentionCase(shape, type: FK_KV_F16).run(fk_attend)
            expectSameBits(found, expected, "pages of \(length)")
        }
    }

    /// Values at positions behind a query are infinite here: 0 times one would be NaN.
    @Test("a prompt cut into chunks has the bits of the whole, whatever lies behind it")
    func chunks() {
        let shape = AttentionShape(
            queries: 200, keyValueHeads: 2, group: 3, keyDimension: 16, valueDimension: 32)
        for type in cacheTypes {
            let whole = AttentionCase(shape, type: type).run(fk_attend)
            for cut in [1, 15, 64, 100, 199] {
                let half = AttentionCase(shape, type: type, stored: cut)
                let first = half.run(
                    { a, begin, end, head, headEnd, scratch in
                        fk_attend(a, begin, min(end, cut), head, headEnd, scratch)
                    })
                let count = cut * shape.heads * shape.valueDimension
                expectSameBits(Array(first.prefix(count)), Array(whole.prefix(count)), "\(cut)")
            }
        }
    }

    @Test("a NaN in a key or value reaches the queries that see it and no other")
    func nan() {
        let shape = AttentionShape(
            queries: 100, keyValueHeads: 1, group: 2, keyDimension: 16, valueDimension: 16)
        for inKey in [true, false] {
            let clean = AttentionCase(shape, type: FK_KV_F32).run(fk_attend)
            let test = AttentionCase(shape, type: FK_KV_F32)
            let bad = [Float](repeating: .nan, count: 16)
            let key = Array(test.keys[(50 * 16)..<(51 * 16)])
            let value = Array(test.values[(50 * 16)..<(51 * 16)])
            var cache = test.cache
            fk_kv_store(&cache, inKey ? bad : key, 16, inKey ? value : bad, 16, 50, 1, 0, 1)
            let found = test.run(fk_attend)
            let before = 50 * 2 * 16, all = 100 * 2 * 16
            expectSameBits(Array(found.prefix(before)), Array(clean.prefix(before)))
            #expect(found[before..<all].allSatisfy { $0.isNaN })
        }
    }

    @Test("scores of hundreds neither overflow nor lose the largest")
    func largeScores() {
        let shape = AttentionShape(queries: 130, keyDimension: 16, valueDimension: 16)
        let test = AttentionCase(shape, type: FK_KV_F32)
        let attend: AttentionCase.Attend = { a, begin, end, head, headEnd, scratch in
            guard var sharp = a?.pointee else { return }
            sharp.scale = 100
            fk_attend(&sharp, begin, end, head, headEnd, scratch)
        }
        let found = test.run(attend)
        #expect(found.allSatisfy { $0.isFinite })
        #expect(found.prefix(130 * 16).allSatisfy { abs($0) <= 1 })
    }
}

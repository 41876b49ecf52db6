import FathomKernels
import FathomTestSupport
import FathomVectors
import Testing

@Suite("Kernels of vector search")
struct RowKernelTests {
    private typealias Rows = (
        UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
        UnsafePointer<Int32>?, Int, Int
    ) -> Void

    /// Row lengths around the widths of registers and sums.
    private static let widths = [0, 1, 7, 8, 15, 16, 17, 33, 63, 64, 65, 100, 576]

    @Test("products and distances have the reference's bits at every level")
    func rows() {
        check(
            fk_row_products_f32_reference,
            fasterVariants(fk_row_products_f32_levels, fk_row_products_f32_variant))
        check(
            fk_row_distances_f32_reference,
            fasterVariants(fk_row_distances_f32_levels, fk_row_distances_f32_variant))
    }

    private func check(_ reference: Rows, _ variants: [(level: String, run: Rows)]) {
        let some: [Int32] = [8, 0, 3, 3, 7]
        for width in Self.widths {
            var generator = SeededGenerator(seed: UInt64(width) + 1)
            let x = generator.floats(width)
            let rows = generator.floats(9 * width)
            for picks in [nil, some] {
                let count = picks?.count ?? 9
                var expected = [Float](repeating: -7, count: count + 1)
                reference(&expected, x, rows, picks, count, width)
                #expect(expected[count] == -7)
                for variant in variants {
                    var found = [Float](repeating: -7, count: count + 1)
                    variant.run(&found, x, rows, picks, count, width)
                    #expect(
                        found.map(\.bitPattern) == expected.map(\.bitPattern),
                        "\(variant.level), \(width)")
                }
            }
        }
    }

    @Test("norms have the reference's bits at every level")
    func norms() {
        for width in Self.widths {
            var generator = SeededGenerator(seed: UInt64(width) + 7)
            let rows = generator.floats(5 * width)
            var expected = [Float](repeating: -7, count: 6)
            fk_row_norms_f32_reference(&expected, rows, 5, width)
            for row in 0..<5 {
                var product: Float = 0
                let one = Array(rows[row * width..<(row + 1) * width])
                fk_row_products_f32_reference(&product, one, one, nil, 1, width)
                #expect(expected[row].bitPattern == product.bitPattern)
            }
            for variant in fasterVariants(fk_row_norms_f32_levels, fk_row_norms_f32_variant) {
                var found = [Float](repeating: -7, count: 6)
                variant.run(&found, rows, 5, width)
                #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(width)")
            }
        }
    }

    @Test("tables are rounded half up at every level, whatever is in them")
    func roundedTables() {
        let special: [Float] = [
            0, 0.49999997, 0.5, 0.50000006, 1.5, 2.5, 254.5, 254.49998, 255, 256, 1e30, -1e30,
            .infinity, -.infinity, .nan, -0.0,
        ]
        var generator = SeededGenerator(seed: 3)
        let random = generator.floats(16 * 6).map { $0 * 100 }
        let smallest: [Float] = [0, -50, 0, 1e-3, -1, 12, .nan]
        let entries = special + random
        var expected = [UInt8](repeating: 77, count: 16 * 7 + 1)
        fk_round_tables_u8_reference(&expected, entries, smallest, 1, 7)
        #expect(
            Array(expected.prefix(16)) == [
                0, 0, 1, 1, 2, 3, 255, 254, 255, 255, 255, 0, 255, 0, 0, 0,
            ])
        #expect(expected.last == 77)
        for scale: Float in [1, 1.7, 0] {
            fk_round_tables_u8_reference(&expected, entries, smallest, scale, 7)
            for variant in fasterVariants(fk_round_tables_u8_levels, fk_round_tables_u8_variant) {
                var found = [UInt8](repeating: 77, count: 16 * 7 + 1)
                variant.run(&found, entries, smallest, scale, 7)
                #expect(found == expected, "\(variant.level), \(scale)")
            }
        }
    }

    @Test("tables of parts and their spans have the reference's bits at every level")
    func partTables() {
        let tables = fasterVariants(fk_part_tables_f32_levels, fk_part_tables_f32_variant)
        let spans = fasterVariants(fk_table_spans_f32_levels, fk_table_spans_f32_variant)
        for (parts, width) in [(1, 1), (2, 3), (15, 2), (16, 2), (17, 4), (64, 2), (65, 8)] {
            var generator = SeededGenerator(seed: UInt64(100 * parts + width))
            let x = generator.floats(parts * width)
            let center = generator.floats(parts * width)
            let centroids = generator.floats(parts * width * 16)
            for (isProduct, hasCenter) in [(false, true), (false, false), (true, false)] {
                func run(_ kernel: (Tables)) -> [Float] {
                    var entries = [Float](repeating: -7, count: parts * 16 + 1)
                    if hasCenter {
                        kernel(&entries, x, center, centroids, isProduct ? 1 : 0, parts, width)
                    } else {
                        kernel(&entries, x, nil, centroids, isProduct ? 1 : 0, parts, width)
                    }
                    return entries
                }
                var expected = run(fk_part_tables_f32_reference)
                #expect(expected.last == -7)
                for variant in tables {
                    #expect(
                        run(variant.run).map(\.bitPattern) == expected.map(\.bitPattern),
                        "\(variant.level), \(parts), \(width)")
                }
                // The first entry of part 0, in doubles.
                let exact = (0..<width).reduce(0.0) { sum, i in
                    let d = Double(x[i]) - (hasCenter ? Double(center[i]) : 0)
                    let c = Double(centroids[16 * i])
                    return sum + (isProduct ? d * c : (d - c) * (d - c))
                }
                #expect(abs(Double(expected[0]) - exact) < 1e-5 * Double(width))
                // What is not a number is passed over, wherever it stands.
                for numbers in [[], [0], [3, 17], Array(0..<16)] where parts > 1 {
                    for place in numbers { expected[place] = .nan }
                    func spans(_ kernel: Spans) -> [UInt32] {
                        var span = fk_table_span()
                        var smallest = [Float](repeating: -7, count: parts + 1)
                        kernel(&span, &smallest, expected, parts)
                        return (smallest + [span.base, span.span, span.largest]).map {
                            $0.isNaN ? .max : $0.bitPattern
                        }
                    }
                    let reference = spans(fk_table_spans_f32_reference)
                    #expect(
                        reference[1] == expected[16..<32].filter { !$0.isNaN }.min()?.bitPattern)
                    #expect(reference[parts] == Float(-7).bitPattern)
                    for variant in fasterSpans(spans) { #expect(variant == reference) }
                }
            }
        }
        func fasterSpans(_ run: (Spans) -> [UInt32]) -> [[UInt32]] { spans.map { run($0.run) } }
    }

    private typealias Tables = (
        UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
        UnsafePointer<Float>?, Int32, Int, Int
    ) -> Void

    private typealias Spans = (
        UnsafeMutablePointer<fk_table_span>?, UnsafeMutablePointer<Float>?, UnsafePointer<Float>?,
        Int
    ) -> Void

    @Test("hits in blocks are the reference's at every level, also of many parts")
    func blockHits() {
        let variants = fasterVariants(fk_block_hits_u4_levels, fk_block_hits_u4_variant)
        for parts in [0, 2, 4, 6, 16, 254, 256, 258, 1000] {
            for (rows, count) in [(32, 1), (32, 31), (32, 96), (64, 75), (96, 200)] {
                var generator = SeededGenerator(seed: UInt64(parts + rows + count))
                let stride = rows * parts / 2
                let codes = (0..<(count + rows - 1) / rows * stride + 1).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                // The largest entries, which must not overflow.
                let table = (0..<parts * 16 + 1).map { _ in
                    UInt8.random(in: 240...255, using: &generator)
                }
                let middle = UInt64(parts * 248)
                for limit in [0, 1, middle, UInt64(UInt16.max), 65_536, UInt64(Int32.max)] {
                    func run(_ kernel: Hits) -> [[Int]] {
                        var vectors = [Int32](repeating: -1, count: count)
                        var sums = [UInt32](repeating: 0, count: count)
                        return vectors.withUnsafeMutableBufferPointer { vectors in
                            sums.withUnsafeMutableBufferPointer { sums in
                                codes.withUnsafeBufferPointer { codes in
                                    var blocks = fk_code_blocks(
                                        codes: codes.baseAddress, rows: rows, stride: stride,
                                        parts: parts)
                                    var hits = fk_block_hits(
                                        vectors: vectors.baseAddress, sums: sums.baseAddress,
                                        count: 99)
                                    kernel(&hits, &blocks, table, limit, 0, count)
                                    return (0..<hits.count).map {
                                        [Int(vectors[$0]), Int(sums[$0])]
                                    }
                                }
                            }
                        }
                    }
                    let expected = run(fk_block_hits_u4_reference)
                    let blocks = FastScanBlocks(partCount: parts, rows: rows)
                    let all = codes.withUnsafeBytes { codes in
                        (0..<count).map { row in
                            (0..<parts).reduce(0) { sum, part in
                                guard let base = codes.baseAddress else { return sum }
                                return sum
                                    + Int(
                                        table[16 * part + blocks.number(base, row: row, part: part)]
                                    )
                            }
                        }
                    }
                    #expect(
                        expected
                            == all.enumerated().filter { $0.element < Int(limit) }
                            .map { [$0.offset, $0.element] })
                    for variant in variants {
                        #expect(
                            run(variant.run) == expected,
                            "\(variant.level), \(parts) parts, \(count) of \(rows), \(limit)")
                    }
                }
            }
        }
    }

    private typealias Hits = (
        UnsafeMutablePointer<fk_block_hits>?, UnsafePointer<fk_code_blocks>?,
        UnsafePointer<UInt8>?, UInt64, Int, Int
    ) -> Void

    @Test("distances agree with sums in doubles")
    func exact() {
        for width in Self.widths {
            var generator = SeededGenerator(seed: UInt64(width) + 99)
            let x = generator.floats(width)
            let row = generator.floats(width)
            var distance: Float = 0
            fk_row_distances_f32(&distance, x, row, nil, 1, width)
            let exact = zip(x, row).reduce(0.0) { sum, pair in
                let difference = Double(pair.0) - Double(pair.1)
                return sum + difference * difference
            }
            // Each difference and each fused sum rounds once; a lane takes every 64th element.
            let tolerance = Double(width / 64 + 10) * 0x1p-23 * max(exact, 0x1p-100)
            #expect(abs(Double(distance) - exact) <= tolerance, "\(width)")
        }
    }
}

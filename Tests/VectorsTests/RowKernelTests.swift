import FathomKernels
import FathomTestSupport
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

    @Test("sums of blocks are the reference's at every level, also of many parts")
    func blockSums() {
        let variants = fasterVariants(fk_block_sums_u4_levels, fk_block_sums_u4_variant)
        for parts in [0, 2, 6, 16, 254, 256, 258, 1000] {
            for stride in [32, 96] {
                var generator = SeededGenerator(seed: UInt64(parts + stride))
                let codes = (0..<parts / 2 * stride + 32).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                // The largest entries, which must not overflow.
                let table = (0..<parts * 16 + 1).map { _ in
                    UInt8.random(in: 250...255, using: &generator)
                }
                var expected = [UInt32](repeating: 7, count: 32)
                fk_block_sums_u4_reference(&expected, codes, stride, table, parts)
                for variant in variants {
                    var found = [UInt32](repeating: 9, count: 32)
                    variant.run(&found, codes, stride, table, parts)
                    #expect(found == expected, "\(variant.level), \(parts)")
                }
            }
        }
    }

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

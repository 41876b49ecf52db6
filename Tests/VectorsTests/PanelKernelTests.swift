import FathomKernels
import FathomTestSupport
import Testing

@Suite("Kernels of panels")
struct PanelKernelTests {
    private static let widths = [0, 1, 2, 15, 16, 17, 33, 64, 100]
    private static let queryCounts = [1, 2, 15, 16, 17, 31, 33, 48, 49, 63, 64]
    private static let rowCounts = [0, 1, 2, 5, 6, 7, 11, 12, 13, 25, 100]

    private struct Example {
        let width: Int
        let queryCount: Int
        let panel: [Float]
        let rows: [Float]
        let terms: [Float]
        let bounds: [Float]
        let rowCount: Int

        init(width: Int, queryCount: Int, rowCount: Int) {
            self.width = width
            self.queryCount = queryCount
            self.rowCount = rowCount
            var generator = SeededGenerator(seed: UInt64(width * 64 + queryCount))
            let queries = generator.floats(70 * width)
            var panel = [Float](repeating: 9, count: width * 64)
            let picks = (0..<queryCount).map { Int32(($0 * 7) % 70) }
            fk_panel_f32_reference(&panel, queries, picks, queryCount, width)
            self.panel = panel
            // Equal rows make equal values.
            let some = generator.floats(7 * width)
            rows = (0..<rowCount).flatMap { row in
                some[row % 7 * width..<(row % 7 + 1) * width]
            }
            let someTerms = generator.floats(7)
            terms = (0..<rowCount + 1).map { someTerms[$0 % 7] }
            bounds = generator.floats(64)
        }
    }

    private static let examples = widths.flatMap { width in
        queryCounts.flatMap { queries in
            rowCounts.map { Example(width: width, queryCount: queries, rowCount: $0) }
        }
    }

    @Test("lay queries out as the reference does at every level")
    func panels() {
        for width in Self.widths {
            for count in [0] + Self.queryCounts {
                var generator = SeededGenerator(seed: UInt64(width + count))
                let rows = generator.floats(70 * width)
                let picks = (0..<count).map { Int32(69 - $0) }
                var expected = [Float](repeating: 7, count: width * 64 + 1)
                fk_panel_f32_reference(&expected, rows, picks, count, width)
                for query in 0..<count {
                    for k in 0..<width {
                        #expect(expected[k * 64 + query] == rows[(69 - query) * width + k])
                    }
                }
                for variant in fasterVariants(fk_panel_f32_levels, fk_panel_f32_variant) {
                    var found = [Float](repeating: 7, count: width * 64 + 1)
                    variant.run(&found, rows, picks, count, width)
                    #expect(found == expected, "\(variant.level)")
                }
            }
        }
    }

    private typealias Below = (
        UnsafeMutablePointer<fk_row_hits>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int,
        UnsafePointer<Float>?, UnsafePointer<Float>?, Float, Int, Int
    ) -> Void

    /// All pairs, from as many calls as a short list takes.
    private static func pairs(
        _ below: Below, _ example: Example, factor: Float, _ terms: [Float]?
    ) -> [[Int32]] {
        let capacity = Int(FK_PANEL_ROOM) + 7
        var rows = [Int32](repeating: -1, count: capacity)
        var queries = rows
        var pairs: [[Int32]] = []
        var next = 0
        while next < example.rowCount {
            let before = next
            rows.withUnsafeMutableBufferPointer { rows in
                queries.withUnsafeMutableBufferPointer { queries in
                    var hits = fk_row_hits(
                        rows: rows.baseAddress, queries: queries.baseAddress,
                        capacity: capacity, count: 0, next: next)
                    terms.withPointer { terms in
                        below(
                            &hits, example.panel, example.bounds, example.queryCount,
                            example.rows, terms, factor, example.rowCount, example.width)
                    }
                    for place in 0..<hits.count { pairs.append([rows[place], queries[place]]) }
                    next = hits.next
                }
            }
            guard next > before else { break }
        }
        #expect(next == example.rowCount)
        return pairs
    }

    @Test("list the reference's pairs below bounds at every level")
    func below() {
        let variants = fasterVariants(fk_rows_below_f32_levels, fk_rows_below_f32_variant)
        for example in Self.examples {
            for terms in [nil, example.terms] {
                let expected = Self.pairs(
                    fk_rows_below_f32_reference, example, factor: 2, terms)
                for variant in variants {
                    #expect(
                        Self.pairs(variant.run, example, factor: 2, terms) == expected,
                        "\(variant.level), \(example.width), \(example.queryCount), \(example.rowCount)"
                    )
                }
            }
        }
    }

    private typealias Nearest = (
        UnsafeMutablePointer<Int32>?, UnsafePointer<Float>?, Int, UnsafePointer<Float>?,
        UnsafePointer<Float>?, Int, Int
    ) -> Void

    private static func nearest(
        _ nearest: Nearest, _ example: Example, _ terms: [Float]?
    ) -> [Int32] {
        var best = [Int32](repeating: -7, count: example.queryCount + 1)
        terms.withPointer { terms in
            nearest(
                &best, example.panel, example.queryCount, example.rows, terms,
                example.rowCount, example.width)
        }
        return best
    }

    @Test("find the reference's nearest rows at every level, the first of equal ones")
    func nearestRows() {
        let variants = fasterVariants(fk_nearest_rows_f32_levels, fk_nearest_rows_f32_variant)
        for example in Self.examples {
            for terms in [nil, example.terms] {
                let expected = Self.nearest(fk_nearest_rows_f32_reference, example, terms)
                #expect(expected.last == -7)
                #expect(expected.dropLast().allSatisfy { (0..<7).contains($0) })
                for variant in variants {
                    #expect(
                        Self.nearest(variant.run, example, terms) == expected,
                        "\(variant.level)")
                }
            }
        }
    }
}

extension [Float]? {
    fileprivate func withPointer(_ body: (UnsafePointer<Float>?) -> Void) {
        guard let self else { return body(nil) }
        self.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}

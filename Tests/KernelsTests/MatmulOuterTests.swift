import FathomKernels
import FathomTestSupport
import Testing

/// One of the two products of a backward pass.
struct OuterProduct: CustomTestStringConvertible, Sendable {
    typealias Run =
        @Sendable (
            fk_level, UnsafeMutablePointer<Float>?, Int, UnsafePointer<Float>?, Int,
            UnsafePointer<Float>?, Int, Int64, Int64, Int64, Int64, Int32
        ) -> Void

    let testDescription: String
    let isTransposed: Bool
    let run: Run
    let levels: @Sendable (UnsafeMutablePointer<fk_level>?) -> Int32

    static let all = [
        OuterProduct(
            testDescription: "nn", isTransposed: false, run: fk_matmul_f32_nn_at,
            levels: fk_matmul_f32_nn_levels),
        OuterProduct(
            testDescription: "tn", isTransposed: true, run: fk_matmul_f32_tn_at,
            levels: fk_matmul_f32_tn_levels),
    ]
}

@Suite("Products of a backward pass")
struct MatmulOuterTests {
    @Test("are the sums they say, with the same bits at every level", arguments: OuterProduct.all)
    func products(product: OuterProduct) {
        var random = SeededGenerator(seed: 40)
        let sizes = [
            (rows: 1, columns: 1, depth: 1), (2, 15, 3), (7, 16, 0), (8, 47, 256), (9, 48, 257),
            (17, 49, 600), (506, 20, 2), (13, 97, 31),
        ]
        for (rows, columns, depth) in sizes {
            let lda = (product.isTransposed ? rows : depth) + 2
            let (ldb, ldc) = (columns + 1, columns + 3)
            let a = random.floats((product.isTransposed ? depth : rows) * lda + 1)
            let b = random.floats(depth * ldb + 1)
            let before = random.floats(rows * ldc)
            for accumulate in [false, true] {
                var reference = before
                product.run(
                    FK_LEVEL_REFERENCE, &reference, ldc, a, lda, b, ldb, Int64(rows / 3),
                    Int64(rows), Int64(columns), Int64(depth), accumulate ? 1 : 0)
                for row in 0..<rows {
                    for column in 0..<ldc {
                        let place = row * ldc + column
                        guard row >= rows / 3, column < columns else {
                            #expect(reference[place] == before[place])
                            continue
                        }
                        var exact = accumulate ? Double(before[place]) : 0
                        var magnitude = abs(exact)
                        for p in 0..<depth {
                            let factor = product.isTransposed ? a[p * lda + row] : a[row * lda + p]
                            let term = Double(factor) * Double(b[p * ldb + column])
                            exact += term
                            magnitude += abs(term)
                        }
                        // One rounding of half a unit a step.
                        let bound = magnitude * Double(depth + 1) * 0x1p-24
                        #expect(abs(Double(reference[place]) - exact) <= bound)
                    }
                }
                for level in usableLevels(product.levels) {
                    var c = before
                    product.run(
                        level, &c, ldc, a, lda, b, ldb, Int64(rows / 3), Int64(rows),
                        Int64(columns), Int64(depth), accumulate ? 1 : 0)
                    #expect(
                        firstDifference(bits(c), bits(reference)) == nil,
                        "\(rows) x \(columns) x \(depth)")
                }
            }
        }
    }
}

import FathomKernels
import FathomTestSupport
import Testing

/// A float weight type and its product.
struct FloatProduct: CustomTestStringConvertible, Sendable {
    let type: fk_type
    let levels: @Sendable (UnsafeMutablePointer<fk_level>?) -> Int32

    var testDescription: String { String(cString: fk_type_name(type)) }
    var elementBytes: Int { fk_block_bytes(type) }

    static let all = [
        FloatProduct(type: FK_TYPE_F32, levels: fk_matmul_f32_nt_levels),
        FloatProduct(type: FK_TYPE_F16, levels: fk_matmul_f16_nt_levels),
        FloatProduct(type: FK_TYPE_BF16, levels: fk_matmul_bf16_nt_levels),
    ]

    /// The levels that add in the order of the reference; tiles of BF16 have one of their own.
    var orderedLevels: [fk_level] { usableLevels(levels).filter { $0 != FK_LEVEL_AMX } }

    /// The bytes of weights; F16 and BF16 behind one byte, so that they lie at an odd address.
    func stored(_ values: [Float]) -> [UInt8] {
        switch type {
        case FK_TYPE_F32: values.withUnsafeBytes { [UInt8]($0) }
        default: [0] + Format(type: type).encode(values)
        }
    }

    func values(_ stored: [UInt8]) -> [Float] {
        Format(type: type).decode(type == FK_TYPE_F32 ? stored : Array(stored.dropFirst()))
    }

    func run(
        _ level: fk_level, y: inout [Float], ldy: Int, x: [Float], ldx: Int, w: [UInt8], ldw: Int,
        t: Int, rows: Range<Int>, k: Int, bias: [Float]? = nil, accumulate: Bool = false
    ) {
        let (n0, n1) = (Int64(rows.lowerBound), Int64(rows.upperBound))
        let (t, k, add) = (Int64(t), Int64(k), Int32(accumulate ? 1 : 0))
        w.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            switch type {
            case FK_TYPE_F32:
                let floats = base.assumingMemoryBound(to: Float.self)
                fk_matmul_f32_nt_at(
                    level, &y, ldy, x, ldx, floats, ldw, t, n0, n1, k, bias, add)
            case FK_TYPE_F16:
                fk_matmul_f16_nt_at(
                    level, &y, ldy, x, ldx, base + 1, ldw, t, n0, n1, k, bias, add)
            default:
                fk_matmul_bf16_nt_at(
                    level, &y, ldy, x, ldx, base + 1, ldw, t, n0, n1, k, bias, add)
            }
        }
    }
}

@Suite("Float products")
struct MatmulFloatTests {
    static let shapes = [
        (n: 1, k: 1), (2, 15), (3, 16), (4, 17), (15, 32), (17, 100), (129, 40), (5, 1531),
    ]

    @Test(
        "have the reference's bits at every level, for any number of rows of x",
        arguments: FloatProduct.all)
    func levels(product: FloatProduct) {
        var random = SeededGenerator(seed: 30)
        for (n, k) in Self.shapes {
            let (ldw, ldx, rows) = (k + 3, k + 1, 64)
            let w = product.stored(random.floats(n * ldw))
            let x = random.floats(rows * ldx)
            var reference = [Float](repeating: 7, count: rows * n)
            product.run(
                FK_LEVEL_REFERENCE, y: &reference, ldy: n, x: x, ldx: ldx, w: w, ldw: ldw,
                t: rows, rows: 0..<n, k: k)
            for level in product.orderedLevels where level != FK_LEVEL_REFERENCE {
                for t in awkwardTokenCounts + [9, 10, 11, 12] {
                    var y = [Float](repeating: 7, count: t * (n + 2))
                    product.run(
                        level, y: &y, ldy: n + 2, x: Array(x[((rows - t) * ldx)...]), ldx: ldx,
                        w: w, ldw: ldw, t: t, rows: 0..<n, k: k)
                    var expected: [Float] = []
                    for token in rows - t..<rows {
                        expected += reference[token * n..<(token + 1) * n]
                        expected += [7, 7]
                    }
                    #expect(
                        firstDifference(bits(y), bits(expected)) == nil,
                        "\(n) x \(k), \(t) rows, \(String(cString: fk_level_name(level)))")
                }
            }
        }
    }

    /// 16 sums of k / 16 fused steps, then 4 levels of a tree: each output passes through at
    /// most k / 16 + 4 roundings of half a unit of the sum of magnitudes.
    @Test("are the products of the stored weights", arguments: FloatProduct.all)
    func accuracy(product: FloatProduct) {
        var random = SeededGenerator(seed: 31)
        let (n, k, t) = (9, 999, 5)
        let stored = product.stored(random.normal(n * k))
        let w = product.values(stored)
        let x = random.normal(t * k)
        for level in usableLevels(product.levels) {
            var y = [Float](repeating: 0, count: t * n)
            product.run(
                level, y: &y, ldy: n, x: x, ldx: k, w: stored, ldw: k, t: t, rows: 0..<n, k: k)
            for token in 0..<t {
                for row in 0..<n {
                    var exact = 0.0
                    var magnitude = 0.0
                    for i in 0..<k {
                        let term = Double(w[row * k + i]) * Double(x[token * k + i])
                        exact += term
                        magnitude += abs(term)
                    }
                    let bound = magnitude * Double(k / 16 + 5) * 0x1p-24
                    #expect(abs(Double(y[token * n + row]) - exact) <= bound)
                }
            }
        }
    }

    @Test("write a range of rows, with bias and accumulation", arguments: FloatProduct.all)
    func epilogue(product: FloatProduct) {
        var random = SeededGenerator(seed: 32)
        let (n, k) = (70, 33)
        let w = product.stored(random.floats(n * k))
        let bias = random.floats(n)
        for level in usableLevels(product.levels) {
            for t in [1, 3, 14] {
                let x = random.floats(t * k)
                var plain = [Float](repeating: 0, count: t * n)
                product.run(
                    level, y: &plain, ldy: n, x: x, ldx: k, w: w, ldw: k, t: t, rows: 0..<n, k: k)
                let before = random.floats(t * n)
                for rows in [0..<n, 5..<38, 69..<70, 3..<3] {
                    var y = before
                    product.run(
                        level, y: &y, ldy: n, x: x, ldx: k, w: w, ldw: k, t: t, rows: rows, k: k,
                        bias: bias, accumulate: true)
                    let expected = before.indices.map { index in
                        rows.contains(index % n)
                            ? before[index] + (plain[index] + bias[index % n]) : before[index]
                    }
                    #expect(y == expected)
                }
            }
        }
    }

    @Test("multiply any block format as its decoded matrix", arguments: Format.decodable)
    func blocks(format: Format) {
        var random = SeededGenerator(seed: 33)
        let (n, k, t) = (21, 256, 3)
        // Bytes below 0x40 hold no infinite or NaN scale in any format.
        let stored = random.bytes(format.byteCount(of: n * k)).map { $0 & 0x3F }
        let w = format.decode(stored)
        let x = random.floats(t * k)
        var expected = [Float](repeating: 7, count: t * n)
        fk_matmul_f32_nt(&expected, n, x, k, w, k, Int64(t), 2, Int64(n), Int64(k), nil, 0)
        for panel in [1, 4, 64] {
            var scratch = [Float](repeating: 0, count: panel * k)
            var y = [Float](repeating: 7, count: t * n)
            fk_matmul_blocks(
                format.type, &y, n, x, k, stored, Int64(t), 2, Int64(n), Int64(k), nil, 0,
                &scratch, Int64(panel))
            #expect(firstDifference(bits(y), bits(expected)) == nil)
        }
    }

    @Test("multiply FP8 weights by the scale of their 128 x 128 block")
    func scaledBlocks() throws {
        let format = try #require(Format.named("F8_E4M3"))
        var random = SeededGenerator(seed: 34)
        let (n, k, t) = (150, 300, 2)
        let stored = format.encode(random.floats(n * k).map { $0 * 100 })
        let scales = random.floats(2 * 3)
        var w = format.decode(stored)
        for row in 0..<n {
            for i in 0..<k { w[row * k + i] *= scales[row / 128 * 3 + i / 128] }
        }
        let x = random.floats(t * k)
        let bias = random.floats(n)
        var expected = [Float](repeating: 7, count: t * n)
        fk_matmul_f32_nt(&expected, n, x, k, w, k, Int64(t), 0, Int64(n), Int64(k), bias, 0)
        var scratch = [Float](repeating: 0, count: 20 * k)
        var y = [Float](repeating: 7, count: t * n)
        fk_matmul_f8_blocks(
            &y, n, x, k, stored, scales, Int64(t), 0, Int64(n), Int64(k), bias, 0, &scratch, 20)
        #expect(firstDifference(bits(y), bits(expected)) == nil)
    }
}

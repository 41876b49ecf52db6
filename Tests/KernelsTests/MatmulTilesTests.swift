import FathomKernels
import FathomTestSupport
import Testing

/// One product of BF16 weights, which lie at an odd address, with its arguments.
private struct TileCase {
    typealias Kernel = (
        UnsafeMutablePointer<Float>?, Int, UnsafePointer<Float>?, Int, UnsafeRawPointer?, Int,
        Int64, Int64, Int64, Int64, UnsafePointer<Float>?, Int32
    ) -> Void

    let n, k, t: Int
    let w: [Float]
    var x: [Float]
    var bias: [Float]?
    /// What the outputs hold before; they are added to it unless it is `nil`.
    var before: [Float]?

    var ldw: Int { k + 3 }
    var ldx: Int { k + 1 }
    var ldy: Int { n + 2 }

    init(n: Int, k: Int, t: Int, seed: UInt64) {
        (self.n, self.k, self.t) = (n, k, t)
        var random = SeededGenerator(seed: seed)
        let brain = Format(type: FK_TYPE_BF16)
        w = brain.decode(brain.encode(random.floats(n * (k + 3))))
        x = random.floats(t * (k + 1))
    }

    func run(_ kernel: Kernel, rows: Range<Int>? = nil, tokens: Range<Int>? = nil) -> [Float] {
        let rows = rows ?? 0..<n
        let tokens = tokens ?? 0..<t
        let stored = [0] + Format(type: FK_TYPE_BF16).encode(w)
        var y = before ?? [Float](repeating: 7, count: t * ldy)
        stored.withUnsafeBytes { bytes in
            x.withUnsafeBufferPointer { x in
                y.withUnsafeMutableBufferPointer { y in
                    kernel(
                        y.baseAddress.map { $0 + tokens.lowerBound * ldy }, ldy,
                        x.baseAddress.map { $0 + tokens.lowerBound * ldx }, ldx,
                        bytes.baseAddress.map { $0 + 1 }, ldw, Int64(tokens.count),
                        Int64(rows.lowerBound), Int64(rows.upperBound), Int64(k), bias,
                        before == nil ? 0 : 1)
                }
            }
        }
        return y
    }
}

/// The matrix unit multiplies F32 activations, cut into three BF16 numbers, by BF16 weights. Its
/// instructions run in a model in plain code, and on the processor if it has them.
@Suite(
    "Products by BF16 tiles",
    .enabled(if: fk_detected_level().rawValue >= FK_LEVEL_AVX512.rawValue))
struct MatmulTilesTests {
    /// The model, and the instructions themselves where they can be used.
    private static var kernels: [(name: String, run: TileCase.Kernel)] {
        var all: [(name: String, run: TileCase.Kernel)] = []
        #if arch(x86_64)
            all.append(("model", fk_matmul_bf16_nt_amx_model))
        #endif
        if usableLevels(fk_matmul_bf16_nt_levels).contains(FK_LEVEL_AMX) {
            all.append(
                (
                    "amx",
                    {
                        fk_matmul_bf16_nt_at(
                            FK_LEVEL_AMX, $0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                    }
                ))
        }
        return all
    }

    /// Around the 16 rows of a tile and the 512 of a block, the 32 numbers of a step and the
    /// 1024 of a chunk.
    private static let shapes = [
        (1, 1), (2, 31), (15, 32), (16, 33), (17, 100), (33, 1023), (5, 1024), (18, 1025),
        (7, 2081), (530, 64), (3, 0),
    ]

    @Test("have the reference's bits, for any number of rows of x", arguments: shapes)
    func reference(n: Int, k: Int) {
        for t in [1, 2, 3, 4, 5, 6, 10, 11, 15, 16, 17, 33] where n * k * t < 600_000 {
            let product = TileCase(n: n, k: k, t: t, seed: UInt64(n + k + t))
            let expected = bits(product.run(fk_matmul_bf16_nt_amx_reference))
            for kernel in Self.kernels {
                let found = bits(product.run(kernel.run))
                #expect(firstDifference(found, expected) == nil, "\(kernel.name), \(t) rows")
            }
        }
    }

    @Test("give a row the same bits alone and in any company")
    func company() {
        let product = TileCase(n: 70, k: 1100, t: 35, seed: 1)
        for kernel in Self.kernels {
            let whole = product.run(kernel.run)
            for (rows, tokens) in [
                (0..<70, 0..<1), (0..<70, 17..<18), (3..<4, 34..<35), (5..<38, 2..<9),
                (64..<70, 0..<35),
            ] {
                let part = product.run(kernel.run, rows: rows, tokens: tokens)
                for token in 0..<35 {
                    for row in 0..<72 {
                        let place = token * 72 + row
                        let isAsked = rows.contains(row) && tokens.contains(token)
                        #expect(part[place] == (isAsked ? whole[place] : 7))
                    }
                }
            }
        }
    }

    @Test("add a bias and accumulate")
    func epilogue() {
        var random = SeededGenerator(seed: 2)
        for (n, k, t) in [(21, 40, 3), (16, 1500, 17)] {
            var product = TileCase(n: n, k: k, t: t, seed: 3)
            for kernel in Self.kernels {
                product.bias = nil
                product.before = nil
                let plain = product.run(kernel.run)
                let bias = random.floats(n)
                let before = random.floats(t * product.ldy)
                product.bias = bias
                product.before = before
                let found = product.run(kernel.run)
                for place in before.indices {
                    let row = place % product.ldy
                    let expected =
                        row < n ? before[place] + (plain[place] + bias[row]) : before[place]
                    #expect(found[place] == expected)
                }
            }
        }
    }

    /// A product of parts has 16 bits, so it is exact, and parts of a number have its sign. A
    /// term passes at most 16 sums of its chain, the join of two chains, 32 sums of steps, two
    /// sums of parts and one a chunk: each rounds by half a unit of the sum of magnitudes.
    @Test("are as exact as products in F32")
    func accuracy() {
        for (n, k, t) in [(9, 999, 5), (6, 4000, 2)] {
            let product = TileCase(n: n, k: k, t: t, seed: 4)
            for kernel in Self.kernels {
                let y = product.run(kernel.run)
                for token in 0..<t {
                    for row in 0..<n {
                        var exact = 0.0
                        var magnitude = 0.0
                        for i in 0..<k {
                            let term =
                                Double(product.w[row * product.ldw + i])
                                * Double(product.x[token * product.ldx + i])
                            exact += term
                            magnitude += abs(term)
                        }
                        let bound = magnitude * Double(51 + k / 1024) * 0x1p-24
                        #expect(abs(Double(y[token * product.ldy + row]) - exact) <= bound)
                    }
                }
            }
        }
    }

    @Test("keep every bit of an activation")
    func exactParts() {
        for value: Float in [1.000_000_1, -3.141_592_7, 0x1.fffffep127, 0x1.abcdeep-90, 16_777_215]
        {
            var product = TileCase(n: 3, k: 32, t: 1, seed: 5)
            product.x = product.x.map { _ in 0 }
            product.x[7] = value
            for kernel in Self.kernels {
                let y = product.run(kernel.run)
                for row in 0..<3 {
                    let weight = product.w[row * product.ldw + 7]
                    // Three exact products, added.
                    let exact = Double(weight) * Double(value)
                    #expect(abs(Double(y[row]) - exact) <= abs(exact) * 0x1p-23)
                }
            }
        }
        // With a weight of one the sum of the parts is the number itself.
        for value: Float in [0x1.fffffep0, -0x1.010102p5, 0x1.fffffep127] {
            var y: Float = 0
            let one: [UInt16] = [0x3F80]
            for kernel in Self.kernels {
                kernel.run(&y, 1, [value], 1, one, 1, 1, 0, 1, 1, nil, 0)
                #expect(y == value)
            }
        }
    }

    @Test("give infinities and NaN where products do")
    func special() {
        let brain = Format(type: FK_TYPE_BF16)
        for (weight, value) in [
            (2, Float.infinity), (-2, .infinity), (0, .infinity), (1, .nan),
            (3, Float(bitPattern: 0x7F80_0001)), (0x1p127, 0x1p127), (0x1p-100, 0x1p-100),
        ] as [(Float, Float)] {
            for kernel in Self.kernels {
                var y: Float = 7
                kernel.run(&y, 1, [value], 1, brain.encode([weight]), 1, 1, 0, 1, 1, nil, 0)
                let expected = weight * value
                #expect(y == expected || (y.isNaN && expected.isNaN), "\(weight) x \(value)")
            }
        }
    }
}

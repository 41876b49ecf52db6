import FathomKernels
import FathomTestSupport
import Testing

@Suite("Activations rounded to 8 bits")
struct MatmulActivationTests {
    /// Rows of every kind of block: ordinary, tiny, zero, at the floor, huge, not finite.
    static let rows: [Float] = {
        var random = SeededGenerator(seed: 20)
        var x: [Float] = []
        for scale: Float in [1, 1e-20, 0, 0x1p-100, 0x1p-101, 0x1p-133, 1e38, 3e-3] {
            x += random.floats(64).map { $0 * scale }
        }
        x[3] = .infinity
        x[40] = -.nan
        x[65] = -0.0
        // Half-way cases: with 127 in the block the codes are the numbers themselves.
        x += (0..<64).map { $0 % 32 == 0 ? 127 : Float($0) - 31.5 }
        return x
    }()

    @Test("are the same at every level", arguments: usableLevels(fk_quantize_activations_levels))
    func levels(level: fk_level) {
        // Rows of two blocks and of six: some levels take four at a time.
        for k in [64, 192] {
            let reference = RoundedActivations(Self.rows, k: k)
            let other = RoundedActivations(Self.rows, k: k, level: level)
            for row in 0..<reference.rows {
                #expect(other.codes(row) == reference.codes(row))
                #expect(other.sums(row) == reference.sums(row))
                #expect(bits(other.scales(row)) == bits(reference.scales(row)))
            }
        }
    }

    @Test("are off by at most half a step, with sums of the codes")
    func accuracy() {
        var random = SeededGenerator(seed: 21)
        let k = 160
        let x = random.normal(7 * k)
        let rounded = RoundedActivations(x, k: k)
        for row in 0..<7 {
            let codes = rounded.codes(row)
            let scales = rounded.scales(row)
            for i in 0..<k {
                let value = Double(codes[i]) * Double(scales[i / 32])
                let step = Double(scales[i / 32])
                // Scale and quotient round once each: 127 * 2^-23 of a step at most.
                #expect(abs(value - Double(x[row * k + i])) <= step * (0.5 + 127 * 0x1p-23))
            }
            for (index, sum) in rounded.sums(row).enumerated() {
                #expect(Int(sum) == codes[16 * index..<16 * index + 16].reduce(0) { $0 + Int($1) })
            }
            for block in 0..<k / 32 {
                let largest = codes[32 * block..<32 * block + 32].map { abs(Int($0)) }.max()
                #expect(largest == 127)
            }
        }
    }

    @Test("round halves to even")
    func halves() {
        let x = (0..<32).map { $0 == 0 ? 127 : Float($0) - 15.5 }
        let codes = RoundedActivations(x, k: 32).codes(0)
        #expect(
            codes[1...] == (1..<32).map { Int8((Float($0) - 15.5).rounded(.toNearestOrEven)) }[...])
    }

    @Test("mark blocks that are not finite and drop those that vanish")
    func special() {
        let rounded = RoundedActivations(Self.rows, k: 64)
        #expect(rounded.scales(0).map(\.isNaN) == [true, true])
        #expect(rounded.codes(0).allSatisfy { $0 == 0 })
        #expect(rounded.scales(2) == [0, 0])
        #expect(rounded.scales(4) == [0, 0])
        #expect(!rounded.scales(6).contains { !$0.isFinite || $0 <= 0 })
    }

    @Test("quantise only the rows asked for")
    func rowRange() {
        let k = 64
        let all = RoundedActivations(Self.rows, k: k)
        for level in usableLevels(fk_quantize_activations_levels) {
            let parts = RoundedActivations(rows: all.rows, k: k)
            withUnsafePointer(to: parts.layout) {
                fk_quantize_activations_at(level, $0, Self.rows, k, 5, Int64(all.rows))
                fk_quantize_activations_at(level, $0, Self.rows, k, 0, 5)
            }
            for row in 0..<all.rows { #expect(parts.codes(row) == all.codes(row)) }
        }
    }

    @Test("are gathered by row")
    func gather() {
        let all = RoundedActivations(Self.rows, k: 64)
        let wanted: [Int32] = [7, 1, 1, 3]
        let some = RoundedActivations(rows: wanted.count, k: 64)
        withUnsafePointer(to: some.layout) { to in
            withUnsafePointer(to: all.layout) { fk_gather_activations(to, $0, wanted) }
        }
        for (index, row) in wanted.enumerated() {
            #expect(some.codes(index) == all.codes(Int(row)))
            #expect(bits(some.scales(index)) == bits(all.scales(Int(row))))
            #expect(some.sums(index) == all.sums(Int(row)))
        }
    }
}

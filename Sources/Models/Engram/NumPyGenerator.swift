/// The random numbers of `numpy.random.default_rng(seed)`, bit for bit.
///
/// Engram's multipliers are drawn from it, and a model is right only with its own. PCG64 is
/// PCG XSL RR 128/64 (O'Neill, 2014), seeded through NumPy's `SeedSequence` (after O'Neill's
/// `seed_seq_fe`, 2015). NumPy promises neither for all time (NEP 19), which is why checkpoints
/// store the multipliers as well.
package struct NumPyGenerator {
    private var state: UInt128
    private let increment: UInt128

    private static let multiplier: UInt128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645

    /// Seeds as `default_rng(seed)` does.
    package init(seed: UInt64) {
        let words = SeedSequence(seed).words(4)
        let initial = UInt128(words[0]) << 64 | UInt128(words[1])
        let sequence = UInt128(words[2]) << 64 | UInt128(words[3])
        increment = sequence << 1 | 1
        state = 0
        advance()
        state &+= initial
        advance()
    }

    private mutating func advance() {
        state = state &* Self.multiplier &+ increment
    }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        advance()
        let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
        let rotation = UInt64(state >> 122)
        return folded >> rotation | folded << ((64 &- rotation) & 63)
    }

    /// A number from 0 to `bound - 1`, as `integers(0, bound, dtype=int64)` gives it: the high
    /// half of a product, drawn again where that would favour some (Lemire, 2019).
    ///
    /// - Precondition: `bound` above 2³²; NumPy takes smaller ones from half as many bits.
    package mutating func integer(below bound: UInt64) -> UInt64 {
        precondition(bound > 1 << 32, "bounds up to 2^32 are drawn in another way")
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return product.high
    }
}

/// Spreads a seed over as many words as a generator needs.
private struct SeedSequence {
    private var pool: [UInt32]

    private static let poolSize = 4

    init(_ seed: UInt64) {
        // The seed as 32-bit words, lowest first; a seed of one word has no second.
        var entropy = [UInt32(truncatingIfNeeded: seed)]
        if seed >> 32 != 0 { entropy.append(UInt32(seed >> 32)) }
        var constant: UInt32 = 0x43B0_D7E5
        func hashed(_ value: UInt32) -> UInt32 {
            var mixed = value ^ constant
            constant &*= 0x931E_8875
            mixed &*= constant
            return mixed ^ mixed >> 16
        }
        pool = (0..<Self.poolSize).map { hashed($0 < entropy.count ? entropy[$0] : 0) }
        for source in 0..<Self.poolSize {
            for target in 0..<Self.poolSize where source != target {
                pool[target] = Self.mix(pool[target], hashed(pool[source]))
            }
        }
    }

    private static func mix(_ x: UInt32, _ y: UInt32) -> UInt32 {
        let mixed = 0xCA01_F9DD &* x &- 0x4973_F715 &* y
        return mixed ^ mixed >> 16
    }

    /// The first 64-bit words of the sequence.
    func words(_ count: Int) -> [UInt64] {
        var constant: UInt32 = 0x8B51_F9DD
        let halves = (0..<2 * count).map { index in
            var value = pool[index % Self.poolSize] ^ constant
            constant &*= 0x58F3_8DED
            value &*= constant
            return UInt64(value ^ value >> 16)
        }
        return (0..<count).map { halves[2 * $0] | halves[2 * $0 + 1] << 32 }
    }
}

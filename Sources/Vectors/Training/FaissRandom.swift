#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Random numbers as Faiss draws them, so that equal seeds give equal samples and rotations.
package struct FaissRandom {
    private var generator: MersenneTwister

    package init(seed: UInt32) { generator = MersenneTwister(seed: seed) }

    /// A number from 0 to 2³¹ − 1.
    package mutating func integer() -> Int { Int(generator.next() & 0x7FFF_FFFF) }

    /// A number below a bound.
    package mutating func integer(below bound: Int) -> Int { generator.next(below: bound) }

    /// A number from 0 to 1, both included.
    package mutating func float() -> Float { Float(generator.next()) / Float(UInt32.max) }

    /// A number from 0 to 1, both included.
    package mutating func double() -> Double { Double(generator.next()) / Double(UInt32.max) }

    /// The numbers below `count` in random order.
    package static func permutation(_ count: Int, seed: UInt32) -> [Int] {
        var random = FaissRandom(seed: seed)
        var numbers = Array(0..<count)
        for i in 0..<max(0, count - 1) {
            numbers.swapAt(i, i + random.integer(below: count - i))
        }
        return numbers
    }

    /// Numbers that are normal with variance 1, by Marsaglia's polar method.
    package static func normal(_ count: Int, seed: UInt32) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        forEachBlock(count, seed: seed) { random, range in
            var waiting: Double?
            for i in range {
                if let value = waiting {
                    values[i] = Float(value)
                    waiting = nil
                    continue
                }
                var (a, b, s) = (0.0, 0.0, 1.0)
                repeat {
                    a = 2 * random.double() - 1
                    b = 2 * random.double() - 1
                    s = a * a + b * b
                } while s >= 1
                let scale = sqrt(-2 * log(s) / s)
                values[i] = Float(a * scale)
                waiting = b * scale
            }
        }
        return values
    }

    /// Long arrays are filled in 1,024 blocks, each with a generator of its own.
    private static func forEachBlock(
        _ count: Int, seed: UInt32, _ fill: (inout FaissRandom, Range<Int>) -> Void
    ) {
        let blockCount = count < 1024 ? 1 : 1024
        var seeds = FaissRandom(seed: seed)
        let first = seeds.integer()
        let step = seeds.integer()
        for block in 0..<blockCount {
            var random = FaissRandom(
                seed: UInt32(truncatingIfNeeded: first &+ block &* step))
            fill(&random, block * count / blockCount..<(block + 1) * count / blockCount)
        }
    }
}

/// Where a layer's n-grams stand in its table.
///
/// The n-gram that ends at position t, with canonical ids x, is mixed to one number and taken
/// modulo a prime for each head (Engram, section 2.2):
///
///     mix[t, n] = x[t] · m[0]  xor  x[t-1] · m[1]  xor … xor  x[t-n+1] · m[n-1]
///     z[t, n, k] = mix[t, n] mod p[n, k]
///
/// The tables of all heads are one matrix, in the order of orders and heads. Products stay below
/// 2⁶³ for canonical ids, which the multipliers see to.
public struct NGramHash: Sendable, Hashable {
    /// The odd factors m of the current token and those before it: N of them.
    public let multipliers: [Int64]

    /// The rows p of every head's table, by order (from 2) and head.
    public let primes: [[Int]]

    /// The first row of every table in the matrix, orders and heads flattened.
    public let offsets: [Int]

    /// - Precondition: a list of primes for each order from 2 to the number of multipliers.
    public init(multipliers: [Int64], primes: [[Int]]) {
        precondition(
            primes.count == multipliers.count - 1 && primes.joined().allSatisfy { $0 > 0 },
            "\(primes.count) orders for \(multipliers.count) multipliers")
        self.multipliers = multipliers
        self.primes = primes
        var row = 0
        offsets = primes.joined().map { prime in
            defer { row += prime }
            return row
        }
    }

    /// Rows of all tables together.
    public var rowCount: Int { primes.joined().reduce(0, +) }

    /// Tables of the layer: orders times heads.
    public var tableCount: Int { offsets.count }

    /// The indices z of every position after the first N - 1, row-major `[positions, tables]`.
    ///
    /// - Parameter ids: canonical ids, those of the N - 1 tokens before first. Arithmetic wraps
    ///   and remainders are never negative, as in NumPy, whatever the ids are.
    public func indices(_ ids: [Int32]) -> [Int] {
        var indices: [Int] = []
        let history = multipliers.count - 1
        indices.reserveCapacity(max(0, ids.count - history) * tableCount)
        for position in max(0, history)..<max(history, ids.count) {
            var mix = Int64(ids[position]) &* multipliers[0]
            for (order, heads) in primes.enumerated() {
                let back = order + 1
                mix ^= Int64(ids[position - back]) &* multipliers[back]
                for prime in heads {
                    let rest = mix % Int64(prime)
                    indices.append(Int(rest < 0 ? rest + Int64(prime) : rest))
                }
            }
        }
        return indices
    }

    /// The rows of the layer's matrix for every position, as `indices` with the tables' offsets.
    ///
    /// - Precondition: fewer than 2³¹ rows.
    public func rows(_ ids: [Int32]) -> [Int32] {
        precondition(rowCount <= Int(Int32.max), "\(rowCount) rows have no 32-bit numbers")
        var rows: [Int32] = []
        var table = 0
        for index in indices(ids) {
            rows.append(Int32(index + offsets[table]))
            table = table + 1 == offsets.count ? 0 : table + 1
        }
        return rows
    }
}

extension NGramHash {
    /// The hashes of a new model, by layer.
    ///
    /// Multipliers are odd and so small that no product overflows: m = 2 r + 1 with r drawn below
    /// `(2⁶³ - 1) / V' / 2` from a generator of the layer's own. Primes rise from the table's
    /// size and none is used twice, so that no two heads of any layer collide together.
    ///
    /// - Precondition: 1 to 2²⁴ canonical ids.
    public static func generated(
        _ configuration: EngramConfiguration, canonicalCount: Int, seed: Int
    ) -> [Int: NGramHash] {
        var hashes: [Int: NGramHash] = [:]
        var used: Set<Int> = []
        for layer in configuration.layers {
            hashes[layer] = NGramHash(
                multipliers: multipliers(
                    configuration, layer: layer, canonicalCount: canonicalCount, seed: seed),
                primes: configuration.tableSizes.map { size in
                    var candidate = size - 1
                    return (0..<configuration.headCount).map { _ in
                        candidate += 1
                        while !isPrime(candidate) || !used.insert(candidate).inserted {
                            candidate += 1
                        }
                        return candidate
                    }
                })
        }
        return hashes
    }

    /// The largest factor whose product with any canonical id is below 2⁶³.
    static func largestMultiplier(canonicalCount: Int) -> Int64 {
        Int64.max / Int64(max(1, canonicalCount))
    }

    /// A layer's multipliers as the demo draws them.
    static func multipliers(
        _ configuration: EngramConfiguration, layer: Int, canonicalCount: Int, seed: Int
    ) -> [Int64] {
        precondition(
            (1...ConfigurationReader.largestSize).contains(canonicalCount),
            "\(canonicalCount) canonical ids")
        let bound = max(1, largestMultiplier(canonicalCount: canonicalCount) / 2)
        var generator = NumPyGenerator(seed: UInt64(seed + 10_007 * layer))
        return (0..<configuration.maximumOrder).map { _ in
            Int64(generator.integer(below: UInt64(bound))) * 2 + 1
        }
    }

    /// Whether a number has no divisors but 1 and itself, by trial: at most 12,000 steps for the
    /// sizes that tables have.
    static func isPrime(_ number: Int) -> Bool {
        guard number > 3 else { return number > 1 }
        guard number % 2 != 0, number % 3 != 0 else { return false }
        var divisor = 5
        while divisor * divisor <= number {
            if number % divisor == 0 || number % (divisor + 2) == 0 { return false }
            divisor += 6
        }
        return true
    }
}

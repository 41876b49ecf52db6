/// Why the stored tables of an Engram memory cannot be used with its configuration.
public struct EngramError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// A tensor that must be there is not.
        case missing(advice: String)
        /// A tensor has another type or shape.
        case form(found: String, expected: String)
        /// The canonical ids are not numbered from 0 in the order of their first use.
        case lookup(tokenID: Int, found: Int64, expected: String)
        /// The number of canonical ids is not the configuration's.
        case canonicalCount(found: Int, expected: Int)
        /// A multiplier is even, not positive, or so large that a product may overflow.
        case multiplier(Int64, canonicalCount: Int)
        /// The multipliers are not those of the configuration's seed.
        case multipliers(found: [Int64], expected: [Int64], seed: Int)
        /// A number of rows that is no prime.
        case notPrime(Int64)
        /// A prime that another head has too.
        case repeatedPrime(Int64)
        /// A prime below the configuration's table size.
        case smallPrime(Int64, size: Int)
        /// The primes are not those that follow the table sizes.
        case primes(found: [Int], expected: [Int])
        /// The heads' tables together are not the matrix.
        case rowCount(primes: Int, matrix: Int)
        /// The stored offsets are not the sums of the primes.
        case offsets(found: [Int64], expected: [Int])
        /// The token before the start of a sequence is not in the lookup table.
        case padID(Int, tokenCount: Int)
    }

    /// The tensor, or field of the configuration, that does not fit.
    public let name: String
    /// The checkpoint's path.
    public let checkpoint: String
    public let reason: Reason

    init(_ name: String, in checkpoint: String, _ reason: Reason) {
        self.name = name
        self.checkpoint = checkpoint
        self.reason = reason
    }

    public var description: String { "\(checkpoint): '\(name)' \(sentence)" }

    private var sentence: String {
        switch reason {
        case .missing(let advice):
            "is missing; \(advice)"
        case .form(let found, let expected):
            "is \(found); the configuration needs \(expected)"
        case .lookup(let token, let found, let expected):
            "maps token \(token) to \(found); expected \(expected), because canonical ids are "
                + "numbered in the order of their first use. Make the table anew from the tokenizer"
        case .canonicalCount(let found, let expected):
            "has \(found) canonical ids; the configuration's num_compressed_tokens is "
                + "\(expected). Is the table of another tokenizer?"
        case .multiplier(let number, let count):
            "holds \(number); multipliers are odd, above 0 and at most "
                + "\(NGramHash.largestMultiplier(canonicalCount: count)) for \(count) canonical ids"
        case .multipliers(let found, let expected, let seed):
            "is \(found); seed \(seed) gives \(expected). If the stored ones are right, remove "
                + "'seed' from the configuration"
        case .notPrime(let number):
            "holds \(number), which is no prime"
        case .repeatedPrime(let number):
            "holds \(number), which another head has too; no prime may be used twice"
        case .smallPrime(let number, let size):
            "holds \(number); the configuration's engram_vocab_size asks for at least \(size)"
        case .primes(let found, let expected):
            "is \(found); the configuration's engram_vocab_size gives \(expected). If the stored "
                + "ones are right, remove 'seed' from the configuration"
        case .rowCount(let primes, let matrix):
            "has \(matrix) rows; the heads' primes add up to \(primes)"
        case .offsets(let found, let expected):
            "is \(found); the primes give \(expected)"
        case .padID(let id, let count):
            "is \(id); the lookup table has \(count) tokens"
        }
    }
}

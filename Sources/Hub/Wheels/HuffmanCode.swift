/// A canonical prefix code of DEFLATE: symbols from bits, the first bit lowest.
struct HuffmanCode: Sendable {
    /// Most bits of a symbol.
    static let longest = 15

    /// Bits that one look into the table decides.
    private static let quickBits = 10

    /// For each value of the next ``quickBits`` bits: the symbol times 16 plus its length, or 0 when
    /// the symbol is longer or does not exist.
    private var quick = [UInt16](repeating: 0, count: 1 << quickBits)
    /// Symbols ordered by length, then by value.
    private var symbols: [UInt16] = []
    /// How many symbols have each length.
    private var counts = [Int](repeating: 0, count: longest + 1)

    /// Makes the code from the length of each symbol, 0 for unused ones.
    ///
    /// - Throws: `badCodeLengths` when the lengths ask for more codes than there are, or leave codes
    ///   without a meaning. A code of at most one symbol may be incomplete, as zlib allows it.
    init(_ lengths: [UInt8]) throws(Inflate.Fault) {
        var used = 0
        for length in lengths where length > 0 {
            guard length <= Self.longest else { throw .badCodeLengths }
            counts[Int(length)] += 1
            used += 1
        }
        var left = 1
        for length in 1...Self.longest {
            left = left * 2 - counts[length]
            guard left >= 0 else { throw .badCodeLengths }
        }
        guard left == 0 || used <= 1 else { throw .badCodeLengths }
        var code = 0
        for length in 1...Self.longest {
            for (symbol, itsLength) in lengths.enumerated() where itsLength == length {
                symbols.append(UInt16(truncatingIfNeeded: symbol))
                if length <= Self.quickBits { enter(symbol, code: code, length: length) }
                code += 1
            }
            code <<= 1
        }
    }

    /// Fills every place of the table whose low bits are the code, which is sent highest bit first.
    private mutating func enter(_ symbol: Int, code: Int, length: Int) {
        var reversed = 0
        for bit in 0..<length where code & 1 << bit != 0 { reversed |= 1 << (length - 1 - bit) }
        for place in stride(from: reversed, to: quick.count, by: 1 << length) {
            quick[place] = UInt16(truncatingIfNeeded: symbol << 4 | length)
        }
    }

    /// Finds the symbol that the next bits begin with, and its length.
    @inline(__always)
    func decode(_ bits: UInt64) -> (symbol: Int, length: Int)? {
        let entry = quick[Int(bits & (1 << UInt64(Self.quickBits) - 1))]
        if entry != 0 { return (Int(entry >> 4), Int(entry & 15)) }
        return decodeLong(bits)
    }

    /// Counts through the lengths: codes of one length are consecutive numbers.
    private func decodeLong(_ bits: UInt64) -> (symbol: Int, length: Int)? {
        var code = 0
        var first = 0
        var index = 0
        for length in 1...Self.longest {
            code |= Int(bits >> UInt64(length - 1) & 1)
            let count = counts[length]
            if code - first < count {
                let place = index + code - first
                guard symbols.indices.contains(place) else { return nil }
                return (Int(symbols[place]), length)
            }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        return nil
    }

    /// The literal and length code of blocks that bring none.
    static let fixedLiterals = HuffmanCode(
        complete: [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
            + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8))

    /// The distance code of blocks that bring none. Its symbols 30 and 31 mean nothing.
    static let fixedDistances = HuffmanCode(complete: [UInt8](repeating: 5, count: 32))

    /// Takes lengths known to be a complete code.
    private init(complete lengths: [UInt8]) {
        do {
            self = try HuffmanCode(lengths)
        } catch {
            preconditionFailure("the fixed codes of DEFLATE are complete")
        }
    }
}

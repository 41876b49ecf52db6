/// Every way to flip at most some bits of a hash.
struct BitFlips {
    private let width: Int
    private let limit: Int

    /// - Throws: `VectorSearchError` where there are too many ways to try them.
    init(width: Int, limit: Int) throws(VectorSearchError) {
        self.width = width
        self.limit = min(limit, width)
        var ways = 1.0
        var sum = 1.0
        for flips in 0..<self.limit {
            ways = ways * Double(width - flips) / Double(flips + 1)
            sum += ways
        }
        guard sum <= 1e7 else {
            throw .badParameter(
                "nflip", found: "\(limit)", expected: "small enough for ten million hashes")
        }
    }

    /// Calls a closure with each pattern of flipped bits, the one without flips first.
    func forEach(_ body: (UInt64) -> Void) {
        body(0)
        for count in stride(from: 1, through: limit, by: 1) {
            var bits = Array(0..<count)
            while true {
                body(bits.reduce(0) { $0 | 1 << UInt64($1) })
                guard
                    let place = bits.indices.last(where: { bits[$0] < width - count + $0 })
                else { break }
                bits[place] += 1
                for later in bits.indices where later > place {
                    bits[later] = bits[later - 1] + 1
                }
            }
        }
    }
}

/// Damaged copies of a file's bytes, the same ones for a seed.
public struct ByteFlips {
    private let original: [UInt8]
    private let range: Range<Int>
    private var generator: SeededGenerator

    /// - Parameter range: the bytes that may be damaged, such as those of a header.
    public init(_ original: [UInt8], in range: Range<Int>? = nil, seed: UInt64) {
        self.original = original
        self.range = range ?? 0..<original.count
        generator = SeededGenerator(seed: seed)
    }

    /// The next copy: one to four bytes flipped in a bit, replaced by a telling value, or copied
    /// from elsewhere; now and then a piece cut out or the end cut off.
    public mutating func next() -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !range.isEmpty {
            let position = Int.random(in: range, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1:
                bytes[position] =
                    [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5C, 0x7B].randomElement(
                        using: &generator) ?? 0
            case 2: bytes[position] = UInt8.random(in: 0 ... .max, using: &generator)
            default: bytes[position] = bytes[Int.random(in: range, using: &generator)]
            }
        }
        switch Int.random(in: 0..<16, using: &generator) {
        case 0:
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
        case 1 where !range.isEmpty:
            let start = Int.random(in: range, using: &generator)
            let end = min(range.upperBound, start + Int.random(in: 1...16, using: &generator))
            bytes.removeSubrange(start..<end)
        default:
            break
        }
        return bytes
    }

    /// Gives `count` copies to a reader, or more; see `Fuzzing`.
    public mutating func forEach(
        _ reader: String, count: Int, _ body: ([UInt8]) throws -> Void
    ) rethrows {
        try Fuzzing.run(reader, count: count, next: { next() }, body)
    }
}

/// The unigram language model (Kudo, 2018): of all ways to cut text into tokens, the one whose
/// scores sum highest.
final class UnigramModel: Sendable {
    let trie: ByteTrie
    let scores: [Double]
    let unknown: BytePairModel.Unknown
    /// The score of a character that no token holds: SentencePiece takes ten below the lowest.
    let unknownScore: Double

    /// Whether sums are rounded to 32 bits, as SentencePiece keeps them; the `tokenizers` library
    /// keeps 64. The difference decides between ways that would score the same exactly.
    let roundsSums: Bool

    static let unknownPenalty = 10.0

    init(
        trie: ByteTrie, scores: [Double], unknown: BytePairModel.Unknown, lowestScore: Double,
        roundsSums: Bool
    ) {
        self.trie = trie
        self.scores = scores
        self.unknown = unknown
        let unknownScore = lowestScore - Self.unknownPenalty
        self.unknownScore = roundsSums ? Double(Float(unknownScore)) : unknownScore
        self.roundsSums = roundsSums
    }

    /// Appends the tokens of one piece of text, found from left to right in one pass.
    ///
    /// Of equal sums the first found stays.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, _ scratch: EncodingScratch,
        into tokens: inout [Int32]
    ) {
        guard !piece.isEmpty else { return }
        let base = piece.lowerBound
        var lattice = scratch.unigram
        scratch.unigram = UnigramLattice()
        lattice.begin(count: piece.count)

        var start = base
        while start < piece.upperBound {
            let characterEnd = UTF8Text.decode(text, at: start).end
            let sum = lattice.sums[start - base]
            var node = 0
            var position = start
            var hasWholeCharacter = false
            while position < piece.upperBound, let next = trie.child(of: node, text[position]) {
                node = next
                position += 1
                let token = trie.value(of: node)
                guard token >= 0 else { continue }
                lattice.offer(
                    rounded(scores[Int(token)] + sum), token: token, from: start - base,
                    to: position - base)
                if position == characterEnd { hasWholeCharacter = true }
            }
            if !hasWholeCharacter {
                lattice.offer(
                    rounded(unknownScore + sum), token: UnigramLattice.unknown, from: start - base,
                    to: characterEnd - base)
            }
            start = characterEnd
        }

        for (token, range) in lattice.bestPath(to: piece.count) {
            if token != UnigramLattice.unknown {
                tokens.append(token)
                continue
            }
            switch unknown {
            case .bytes(let byteTokens):
                for byte in text[base + range.lowerBound..<base + range.upperBound] {
                    tokens.append(byteTokens[Int(byte)])
                }
            case .token(let token): tokens.append(token)
            case .omitted: break
            }
        }
        lattice.releaseLongTextMemory()
        scratch.unigram = lattice
    }

    @inline(__always)
    private func rounded(_ sum: Double) -> Double {
        roundsSums ? Double(Float(sum)) : sum
    }
}

/// The best way to each position of a text.
struct UnigramLattice {
    static let unknown: Int32 = -1

    private(set) var sums: [Double] = []
    private var origins: [Int32] = []
    private var tokens: [Int32] = []

    mutating func begin(count: Int) {
        sums.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        tokens.removeAll(keepingCapacity: true)
        sums.append(contentsOf: repeatElement(0, count: count + 1))
        origins.append(contentsOf: repeatElement(-1, count: count + 1))
        tokens.append(contentsOf: repeatElement(Self.unknown, count: count + 1))
    }

    @inline(__always)
    mutating func offer(_ sum: Double, token: Int32, from origin: Int, to position: Int) {
        guard origins[position] < 0 || sum > sums[position] else { return }
        sums[position] = sum
        origins[position] = Int32(truncatingIfNeeded: origin)
        tokens[position] = token
    }

    /// The tokens of the best way to a position, in order.
    func bestPath(to end: Int) -> [(token: Int32, range: Range<Int>)] {
        var path: [(token: Int32, range: Range<Int>)] = []
        var position = end
        while position > 0 {
            let origin = Int(origins[position])
            path.append((tokens[position], origin..<position))
            position = origin
        }
        path.reverse()
        return path
    }

    mutating func releaseLongTextMemory() {
        if sums.capacity > 1 << 20 { self = UnigramLattice() }
    }
}

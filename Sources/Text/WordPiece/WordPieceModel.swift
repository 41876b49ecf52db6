/// The greedy model of BERT (Schuster and Nakajima, 2012; Devlin et al., 2019): each word is the
/// longest token it starts with, then the longest continuation of what is left, and so on.
///
/// Continuations carry a prefix in the vocabulary (`##ing`). A word that cannot be spelt to its
/// end, or is too long, is one unknown token as a whole.
final class WordPieceModel: Sendable {
    /// Words longer than this are refused by `init`'s caller; the work for a word grows with it.
    static let longestWordLimit = 1 << 16

    private let trie: ByteTrie
    /// Where the continuations hang in the trie, or nil where there is none.
    private let continuations: Int?
    private let unknown: Int32
    /// The most characters a word may have.
    private let longestWord: Int

    init(trie: ByteTrie, prefix: [UInt8], unknown: Int32, longestWord: Int) {
        self.trie = trie
        self.unknown = unknown
        self.longestWord = longestWord
        continuations = prefix.reduce(Int?(0)) { node, byte in
            node.flatMap { trie.child(of: $0, byte) }
        }
    }

    /// Appends the tokens of one word.
    ///
    /// - Complexity: O(n m) for a word of n bytes and tokens of up to m.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>, into tokens: inout [Int32]
    ) {
        guard !word.isEmpty else { return }
        let before = tokens.count
        guard characterCount(text, word) <= longestWord else {
            tokens.append(unknown)
            return
        }
        var start = word.lowerBound
        while start < word.upperBound {
            guard
                let found = longestToken(
                    text, start..<word.upperBound, isFirst: start == word.lowerBound)
            else {
                tokens.removeLast(tokens.count - before)
                tokens.append(unknown)
                return
            }
            tokens.append(found.token)
            start = found.end
        }
    }

    private func characterCount(_ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>) -> Int {
        if word.count <= longestWord { return word.count }
        return text[word].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    /// The longest token a stretch starts with, and where it ends.
    private func longestToken(
        _ text: UnsafeBufferPointer<UInt8>, _ stretch: Range<Int>, isFirst: Bool
    ) -> (token: Int32, end: Int)? {
        guard var node = isFirst ? 0 : continuations else { return nil }
        var found: (token: Int32, end: Int)?
        var position = stretch.lowerBound
        while position < stretch.upperBound, let next = trie.child(of: node, text[position]) {
            node = next
            position += 1
            let token = trie.value(of: node)
            // Tokens are whole characters, and so are their ends.
            if token >= 0 { found = (token, position) }
        }
        return found
    }
}

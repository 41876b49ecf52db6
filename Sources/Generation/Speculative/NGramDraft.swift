/// Guesses the next tokens from what the sequence said before (Saxena, 2023; "prompt lookup").
///
/// Looks for the latest earlier place where the last three tokens stood and proposes what
/// followed it. Text that repeats itself (code, quotations, lists) is guessed well; elsewhere
/// nothing is proposed. The model checks every guess, so the output never changes.
package struct NGramDraft {
    /// Tokens that must match.
    package static let matchLength = 3

    /// Where each n-gram last ended, by its tokens.
    private var ends: [SIMD4<Int32>: Int] = [:]
    private var indexed = 0
    private let maximumLength: Int

    package init(maximumLength: Int = 8) {
        self.maximumLength = maximumLength
    }

    /// Proposes tokens that may follow `tokens`; often none.
    package mutating func propose(after tokens: [Int32]) -> [Int32] {
        let length = Self.matchLength
        guard tokens.count > length else { return [] }
        // The n-gram at the very end is not its own precedent.
        while indexed < tokens.count - 1 {
            if indexed >= length - 1 { ends[key(tokens, endingAt: indexed)] = indexed }
            indexed += 1
        }
        guard let end = ends[key(tokens, endingAt: tokens.count - 1)] else { return [] }
        return Array(tokens[(end + 1)..<min(tokens.count, end + 1 + maximumLength)])
    }

    private func key(_ tokens: [Int32], endingAt end: Int) -> SIMD4<Int32> {
        SIMD4(tokens[end - 2], tokens[end - 1], tokens[end], 0)
    }
}

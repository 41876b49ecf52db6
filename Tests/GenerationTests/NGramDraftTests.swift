import FathomGeneration
import FathomTestSupport
import Testing

@Suite("Guesses by n-gram")
struct NGramDraftTests {
    private let matchLength = NGramDraft.matchLength

    /// What followed the latest earlier place of the last tokens, found by looking at all places.
    private func expected(_ tokens: [Int32], _ maximumLength: Int) -> [Int32] {
        guard tokens.count > matchLength else { return [] }
        let last = tokens.suffix(matchLength)
        for end in (matchLength..<tokens.count).reversed()
        where tokens[(end - matchLength)..<end].elementsEqual(last) {
            return Array(tokens[end...].prefix(maximumLength))
        }
        return []
    }

    @Test("repeated text is continued as it went on before")
    func repeats() {
        var draft = NGramDraft(maximumLength: 4)
        #expect(draft.propose(after: [1, 2, 3, 4, 5, 1, 2, 3]) == [4, 5, 1, 2])
        #expect(draft.propose(after: [1, 2, 3, 4, 5, 1, 2, 3, 9]) == [])
        // The later of two places counts.
        var later = NGramDraft()
        #expect(later.propose(after: [1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3]) == [5, 1, 2, 3])
    }

    @Test("short and new texts get no guess, and the end is not its own precedent")
    func nothing() {
        for tokens in [[], [7], [7, 7], [1, 2, 3], [1, 2, 3, 4], [1, 2, 1, 2]] as [[Int32]] {
            var draft = NGramDraft()
            #expect(draft.propose(after: tokens) == [], "\(tokens)")
        }
        var draft = NGramDraft()
        #expect(draft.propose(after: [7, 7, 7]) == [])
        #expect(draft.propose(after: [7, 7, 7, 7]) == [7])
    }

    @Test("a guess is always a real continuation in the history: that of its latest place")
    func random() {
        var generator = SeededGenerator(seed: 60)
        var guessCount = 0
        for round in 0..<400 {
            let maximumLength = Int.random(in: 1...9, using: &generator)
            let vocabulary = Int32.random(in: 1...6, using: &generator)
            // Negative and extreme ids are ids like any other here.
            let offset: Int32 = [0, -3, .max - 6][round % 3]
            var draft = NGramDraft(maximumLength: maximumLength)
            var tokens: [Int32] = []
            while tokens.count < 150 {
                // Sequences grow by several tokens where guesses were right, so not every length
                // is asked about.
                for _ in 0..<Int.random(in: 1...5, using: &generator) {
                    tokens.append(offset + Int32.random(in: 0..<vocabulary, using: &generator))
                }
                let guess = draft.propose(after: tokens)
                #expect(guess == expected(tokens, maximumLength), "\(tokens)")
                #expect(guess.count <= maximumLength)
                if !guess.isEmpty { guessCount += 1 }
            }
        }
        #expect(guessCount > 10_000)
    }
}

import FathomModels
import FathomTensors

/// Generates the tokens that follow a prompt, one after the other.
///
/// With speculation several tokens are checked in one pass. Since a token's logits have the same
/// bits in any pass, and one random number is drawn for each token, the output is the same with
/// and without.
package struct TokenGenerator {
    private let decoder: SequenceDecoder
    private var sampler: Sampler
    private let promptCount: Int
    private let alternatives: Int?
    private var draft: NGramDraft?

    /// The prompt and everything generated.
    package private(set) var tokens: [Int32]

    /// Tokens guessed, and those of them that were right.
    package private(set) var speculation = (proposed: 0, accepted: 0)

    private var pending: [TokenChoice] = []
    private var isPrefilled = false

    /// How many tokens may be in the sequence.
    private let lengthLimit: Int

    package init(
        _ decoder: SequenceDecoder, prompt: [Int32], sampler: Sampler, alternatives: Int?,
        speculates: Bool, lengthLimit: Int
    ) {
        self.decoder = decoder
        self.sampler = sampler
        self.alternatives = alternatives
        self.lengthLimit = lengthLimit
        draft = speculates ? NGramDraft() : nil
        tokens = prompt
        promptCount = prompt.count
    }

    /// Runs the prompt and gives the first token.
    package mutating func next() throws -> TokenChoice {
        if !isPrefilled {
            let logits = try decoder.prefill(tokens)
            isPrefilled = true
            return try accept(logits)
        }
        if !pending.isEmpty {
            let choice = pending.removeFirst()
            tokens.append(choice.token)
            return choice
        }
        let guesses = try guesses()
        guard let last = tokens.last else { throw GenerationError.emptyPrompt }
        let logits = try decoder.step([last] + guesses)
        let first = try accept(row(0, of: logits))
        var agreed = 0
        var previous = first
        var history = tokens
        for (index, guess) in guesses.enumerated() {
            guard previous.token == guess else { break }
            agreed += 1
            let choice = try sampler.choose(
                from: row(index + 1, of: logits), history: history, promptCount: promptCount,
                alternatives: alternatives)
            pending.append(choice)
            history.append(choice.token)
            previous = choice
        }
        decoder.truncate(to: decoder.cache.count - (guesses.count - agreed))
        speculation.proposed += guesses.count
        speculation.accepted += agreed
        return first
    }

    /// Guesses of the next tokens: what followed here before, or else what the model's own
    /// prediction layer says.
    private mutating func guesses() throws -> [Int32] {
        let room = max(0, lengthLimit - tokens.count - 1)
        guard room > 0, let repeated = draft?.propose(after: tokens) else { return [] }
        if !repeated.isEmpty { return Array(repeated.prefix(room)) }
        return try decoder.predict(after: tokens).map { [$0] } ?? []
    }

    private func row(_ index: Int, of logits: Tensor) -> [Float] {
        logits[rows: index..<(index + 1)].floatArray()
    }

    private mutating func accept(_ logits: [Float]) throws -> TokenChoice {
        let choice = try sampler.choose(
            from: logits, history: tokens, promptCount: promptCount, alternatives: alternatives)
        tokens.append(choice.token)
        return choice
    }
}

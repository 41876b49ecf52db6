public import FathomModels
public import FathomTensors

/// The logits of several sequences, run through a model together as chat and serving would.
public struct SequenceEvaluation {
    /// Logits `[T, V]` of each sequence.
    public private(set) var logits: [Tensor] = []

    /// Intermediate results of each sequence, a row a token, by name, in the order in which they
    /// arise.
    public private(set) var observations: [(name: String, rows: [Tensor])] = []

    /// The logits for the token after the next one of each sequence, one row less than tokens;
    /// empty if they were not asked for.
    public private(set) var furtherLogits: [Tensor] = []

    /// Tokens decoded greedily after each sequence.
    public private(set) var greedyIDs: [[Int32]] = []

    /// The logits that each of these was chosen from.
    public private(set) var stepLogits: [[[Float]]] = []

    /// Runs the sequences in one batch.
    ///
    /// - Parameters:
    ///   - chunk: positions of each sequence in one pass; `nil` takes all.
    ///   - steps: tokens to decode greedily afterwards.
    ///   - observing: which intermediate results are kept.
    ///   - predictsFurther: whether the layer that predicts the token after the next is run.
    /// - Throws: `GenerationError` if the cache cannot hold them or logits are not numbers.
    public init(
        _ model: any CausalModel, _ sequences: [[Int32]], chunk: Int? = nil, steps: Int = 0,
        observing isKept: ((String) -> Bool)? = nil, predictsFurther: Bool = false
    ) throws {
        let store = PageStore(model.cacheLayout, maximumBytes: .max / 2)
        let caches = sequences.map { _ in PagedCache(store) }
        var pieces = sequences.map { _ in [Tensor]() }
        var furtherPieces = pieces
        var observed: [String: [[Tensor]]] = [:]
        var names: [String] = []
        let step = chunk ?? sequences.map(\.count).max() ?? 1
        var start = 0
        while sequences.contains(where: { $0.count > start }) {
            var batch = Batch()
            var members: [Int] = []
            for (index, sequence) in sequences.enumerated() where sequence.count > start {
                let tokens = Array(sequence[start..<min(sequence.count, start + step)])
                try caches[index].reserve(tokens.count)
                batch.append(tokens, cache: caches[index])
                members.append(index)
            }
            let ranges = batch.sequences.map(\.range)
            let observe: ((String, Tensor) -> Void)? = isKept.map { isKept in
                { name, tensor in
                    guard isKept(name) else { return }
                    if observed[name] == nil {
                        observed[name] = sequences.map { _ in [] }
                        names.append(name)
                    }
                    for (range, member) in zip(ranges, members) {
                        observed[name]?[member].append(tensor[rows: range])
                    }
                }
            }
            let hidden = model.hiddenStates(batch, observe: observe)
            let values = model.logits(hidden)
            if predictsFurther, let model = model as? any TokenPredictingModel {
                let further = model.furtherLogits(hidden, batch) { member, offset in
                    sequences[members[member]].dropFirst(start + offset + 1).first
                }
                for (member, range) in zip(members, further.ranges) {
                    furtherPieces[member].append(further.logits[rows: range])
                }
            }
            for (range, member) in zip(ranges, members) {
                caches[member].advance(range.count)
                pieces[member].append(values[rows: range])
            }
            start += step
        }
        logits = pieces.map(joined)
        if predictsFurther { furtherLogits = furtherPieces.map(joined) }
        observations = names.map { name in (name, (observed[name] ?? []).map(joined)) }
        if steps > 0 { try decode(model, caches, steps: steps) }
    }

    private mutating func decode(_ model: any CausalModel, _ caches: [PagedCache], steps: Int)
        throws
    {
        var current = logits.map { $0[rows: ($0.shape[0] - 1)..<$0.shape[0]].floatArray() }
        greedyIDs = caches.map { _ in [] }
        stepLogits = caches.map { _ in [] }
        for step in 0..<steps {
            for index in caches.indices {
                greedyIDs[index].append(try Sampler.largest(of: current[index]))
                stepLogits[index].append(current[index])
            }
            if step == steps - 1 { break }
            var batch = Batch()
            for (index, cache) in caches.enumerated() {
                try cache.reserve(1)
                batch.append(greedyIDs[index].suffix(1), cache: cache)
            }
            let values = model.logits(model.hiddenStates(batch, observe: nil))
            for (index, cache) in caches.enumerated() {
                cache.advance(1)
                current[index] = values[rows: index..<(index + 1)].floatArray()
            }
        }
    }
}

/// Consecutive rows as one tensor.
private func joined(_ pieces: [Tensor]) -> Tensor {
    if pieces.count == 1, let only = pieces.first { return only }
    // The rows of an indexer's choices grow with the position; shorter ones end in zeros.
    let width = pieces.map(\.shape.last).max() ?? 0
    if pieces.first?.dtype == .i64 {
        let values = pieces.flatMap { $0.int64Array() }
        return Tensor(values, shape: [width == 0 ? 0 : values.count / width, width])
    }
    let values = pieces.flatMap { piece in
        let padding = [Float](repeating: 0, count: width - piece.shape.last)
        return (0..<piece.shape.rowCount).flatMap {
            piece[rows: $0..<($0 + 1)].floatArray() + padding
        }
    }
    return Tensor(values, shape: [width == 0 ? 0 : values.count / width, width])
}

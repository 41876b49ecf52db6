public import FathomModels
public import FathomTensors

/// The logits of several sequences, run through a model together as chat and serving would.
public struct SequenceEvaluation {
    /// Logits `[T, V]` of each sequence.
    public private(set) var logits: [Tensor] = []

    /// Hidden states `[T, C]` of each sequence, by name, in the order in which they arise.
    public private(set) var hiddenStates: [(name: String, rows: [Tensor])] = []

    /// Tokens decoded greedily after each sequence.
    public private(set) var greedyIDs: [[Int32]] = []

    /// The logits that each of these was chosen from.
    public private(set) var stepLogits: [[[Float]]] = []

    /// Runs the sequences in one batch.
    ///
    /// - Parameters:
    ///   - chunk: positions of each sequence in one pass; `nil` takes all.
    ///   - steps: tokens to decode greedily afterwards.
    /// - Throws: `GenerationError` if the cache cannot hold them or logits are not numbers.
    public init(
        _ model: any CausalModel, _ sequences: [[Int32]], chunk: Int? = nil, steps: Int = 0,
        keepsHiddenStates: Bool = false
    ) throws {
        let store = PageStore(model.cacheLayout, maximumBytes: .max / 2)
        let caches = sequences.map { _ in PagedCache(store) }
        var pieces = sequences.map { _ in [Tensor]() }
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
            let observe: ((String, Tensor) -> Void)? =
                !keepsHiddenStates
                ? nil
                : { name, tensor in
                    if observed[name] == nil {
                        observed[name] = sequences.map { _ in [] }
                        names.append(name)
                    }
                    for (range, member) in zip(ranges, members) {
                        observed[name]?[member].append(tensor[rows: range])
                    }
                }
            let hidden = model.hiddenStates(batch, observe: observe)
            let values = model.logits(hidden)
            for (range, member) in zip(ranges, members) {
                caches[member].advance(range.count)
                pieces[member].append(values[rows: range])
            }
            start += step
        }
        logits = pieces.map(joined)
        hiddenStates = names.map { name in (name, (observed[name] ?? []).map(joined)) }
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
    let width = pieces.first?.shape.last ?? 0
    let values = pieces.flatMap { $0.floatArray() }
    return Tensor(values, shape: [width == 0 ? 0 : values.count / width, width])
}

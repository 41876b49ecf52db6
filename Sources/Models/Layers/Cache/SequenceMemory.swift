/// What an Engram memory keeps of a sequence after a pass, as of any position of that pass.
///
/// Rows of a cache can be forgotten from any position on; this can go back as far as the pass that
/// made it.
public struct SequenceMemory {
    private let pass: EngramPass
    private let sequence: Int
    private let firstPosition: Int
    /// Positions that it speaks of.
    public let count: Int

    init(_ pass: EngramPass, sequence: Int, firstPosition: Int, count: Int) {
        self.pass = pass
        self.sequence = sequence
        self.firstPosition = firstPosition
        self.count = count
    }

    /// The memory as it was at an earlier position; `nil` if that was before the last pass.
    public func cut(to position: Int) -> SequenceMemory? {
        guard (firstPosition...count).contains(position) else { return nil }
        return SequenceMemory(
            pass, sequence: sequence, firstPosition: firstPosition, count: position)
    }

    var state: EngramState { pass.state(ofSequence: sequence, after: count - firstPosition) }
}

extension Engram {
    /// Begins a pass of a batch, each sequence with what its cache keeps of it.
    func begin(_ batch: Batch) -> EngramPass {
        begin(
            batch.tokenIDs,
            batch.sequences.map { sequence in
                EngramSequence(
                    range: sequence.range, state: sequence.cache?.memory?.state ?? initialState)
            })
    }
}

extension EngramPass {
    /// Leaves what is to be kept with the caches of the batch.
    func keep(for batch: Batch) {
        for (index, sequence) in batch.sequences.enumerated() {
            sequence.cache?.memory = SequenceMemory(
                self, sequence: index, firstPosition: sequence.firstPosition,
                count: sequence.firstPosition + sequence.range.count)
        }
    }
}

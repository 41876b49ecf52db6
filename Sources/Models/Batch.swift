/// The tokens of one forward pass: a flat list in which every sequence has a range.
///
/// One prompt, a chunk of a prompt, sixteen sequences that decode, any mixture of these, and
/// packed training documents are the same call. Nothing is padded.
public struct Batch {
    /// One sequence's part.
    public struct Entry {
        /// Where its tokens stand in the list.
        public let range: Range<Int>
        /// The position of the first of them in the whole sequence.
        public let firstPosition: Int
        /// Its cache; without one the sequence attends to its own tokens of this pass only.
        public let cache: (any SequenceCache)?
    }

    public private(set) var tokenIDs: [Int32] = []
    public private(set) var sequences: [Entry] = []

    public init() {}

    /// A batch of one sequence.
    public init(_ tokenIDs: [Int32], cache: (any SequenceCache)? = nil) {
        append(tokenIDs, cache: cache)
    }

    /// Adds the next tokens of a sequence.
    ///
    /// - Parameter firstPosition: where they stand in the sequence; after what its cache holds,
    ///   unless told otherwise.
    public mutating func append(
        _ tokens: some Sequence<Int32>, cache: (any SequenceCache)?, firstPosition: Int? = nil
    ) {
        let start = tokenIDs.count
        tokenIDs += tokens
        sequences.append(
            Entry(
                range: start..<tokenIDs.count, firstPosition: firstPosition ?? cache?.count ?? 0,
                cache: cache))
    }

    /// The position of every token in its sequence.
    package var positions: [Int32] {
        var positions: [Int32] = []
        positions.reserveCapacity(tokenIDs.count)
        for sequence in sequences {
            for offset in 0..<sequence.range.count {
                positions.append(Int32(sequence.firstPosition + offset))
            }
        }
        return positions
    }
}

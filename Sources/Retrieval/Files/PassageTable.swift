import FathomCheckpoints
import FathomTensors

/// The passages of an index, in the order of its files, with what tells its embedder.
struct PassageTable: Sendable, Equatable {
    var passages: [Passage]
    /// The embedding of a fixed text, by which another embedder is noticed.
    var probe: [Float]

    static let probeText = "The quick brown fox jumps over the lazy dog; 快速的棕色狐狸 123."

    /// How far an embedder may be from the one that made the index: other instruction levels
    /// differ in the last bits only.
    static let probeTolerance: Float = 1e-3

    func isMade(by probe: [Float]) -> Bool {
        probe.count == self.probe.count
            && zip(probe, self.probe).allSatisfy { abs($0 - $1) <= Self.probeTolerance }
    }

    func write(to path: String) throws {
        var numbers: [Int64] = []
        for passage in passages {
            numbers.append(Int64(passage.lines.lowerBound))
            numbers.append(Int64(passage.lines.upperBound))
            numbers.append(Int64(passage.bytes.lowerBound))
            numbers.append(Int64(passage.bytes.upperBound))
        }
        try SafetensorsWriter.write(
            [
                ("passages", Tensor(numbers, shape: [passages.count, 4])),
                ("probe", Tensor(probe, shape: [probe.count])),
            ], to: path)
    }

    /// - Throws: `RetrievalError.damaged`, `SafetensorsError`, `FileError`.
    init(contentsOf path: String, passageCount: Int, dimension: Int) throws {
        let file = try IndexTensors(path: path)
        let numbers = try file.numbers("passages", count: passageCount * 4)
        probe = try file.floats("probe", count: dimension)
        try file.checkIntact()
        passages = []
        passages.reserveCapacity(passageCount)
        for start in stride(from: 0, to: numbers.count, by: 4) {
            let row = numbers[start..<(start + 4)].map(Int.init)
            try file.require(
                row[0] >= 1 && row[1] >= row[0] && row[2] >= 0 && row[3] >= row[2]
                    && row[1] <= Int(Int32.max) && row[3] <= Int(Int32.max),
                "passage \(start / 4) has lines \(row[0]) to \(row[1]), bytes \(row[2]) to \(row[3])"
            )
            passages.append(Passage(lines: row[0]...row[1], bytes: row[2]..<row[3]))
        }
    }

    init(passages: [Passage], probe: [Float]) {
        self.passages = passages
        self.probe = probe
    }
}

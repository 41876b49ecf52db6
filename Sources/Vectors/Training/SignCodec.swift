/// Signs of (rotated, shifted) components.
struct SignCodec: RowCodec {
    let dimension: Int
    let bitCount: Int
    let rotates: Bool
    let trainsThresholds: Bool
    private var rotation: RandomRotation
    private(set) var thresholds: [Float] = []
    private(set) var isTrained: Bool

    var codeSize: Int { (bitCount + 7) / 8 }

    init(dimension: Int, bitCount: Int, rotates: Bool, trainsThresholds: Bool) {
        precondition(rotates || bitCount <= dimension)
        self.dimension = dimension
        self.bitCount = bitCount
        self.rotates = rotates
        self.trainsThresholds = trainsThresholds
        rotation = RandomRotation(dimension, bitCount, seed: 5)
        if rotates { rotation.train() }
        isTrained = !trainsThresholds
    }

    private func projected(_ rows: VectorRows) -> VectorRows {
        rotates ? rotation.apply(rows) : rows.columns(0..<bitCount)
    }

    /// Thresholds are the medians of the training vectors.
    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        guard trainsThresholds else { return }
        guard rows.count > 0 else {
            throw .tooFewVectors(found: 0, needed: 1, purpose: "the thresholds of an LSH index")
        }
        let projected = projected(rows)
        thresholds = (0..<bitCount).map { bit in
            let sorted = projected.columns(bit..<bit + 1).values.sorted()
            let middle = sorted.count / 2
            return sorted.count.isMultiple(of: 2)
                ? (sorted[middle] + sorted[middle - 1]) / 2 : sorted[middle]
        }
        isTrained = true
    }

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        let projected = projected(rows)
        var codes: [UInt8] = []
        codes.reserveCapacity(rows.count * codeSize)
        for row in 0..<rows.count {
            codes += [UInt8](bitCount: bitCount, byteCount: codeSize) { bit in
                let value = projected.values[row * bitCount + bit]
                return (trainsThresholds ? value - thresholds[bit] : value) >= 0
            }
        }
        return codes
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        try writer.fourCC("IxHe")
        try writer.header(header)
        try writer.i32(bitCount)
        try writer.bool(rotates)
        try writer.bool(trainsThresholds)
        try writer.vector(thresholds)
        try writer.i32(codeSize)
        try rotation.write(to: &writer)
        try writer.vector(codes)
    }
}

/// A transform that can be trained, applied to many vectors and written.
protocol TrainableTransform: Sendable {
    var inputDimension: Int { get }
    var outputDimension: Int { get }
    var isTrained: Bool { get }
    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError)
    func apply(_ rows: VectorRows) -> VectorRows
    func write(to writer: inout IndexWriter) throws
}

/// A random rotation, the same for everyone.
struct RandomRotation: TrainableTransform {
    private var map: LinearMap
    private let seed: UInt32
    var inputDimension: Int { map.inputDimension }
    var outputDimension: Int { map.outputDimension }
    var isTrained: Bool { !map.matrix.isEmpty }

    init(_ inputDimension: Int, _ outputDimension: Int, seed: UInt32 = 12345) {
        map = LinearMap(inputDimension, outputDimension)
        self.seed = seed
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) { train() }

    /// Needs no vectors.
    mutating func train() {
        map.matrix = Orthogonal.randomRotation(
            inputDimension: inputDimension, outputDimension: outputDimension, seed: seed)
    }

    func apply(_ rows: VectorRows) -> VectorRows { map.apply(rows) }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("rrot")
        try map.write(hasBias: false, isTrained: isTrained, to: &writer)
    }
}

/// Vectors scaled to length 1.
struct UnitLength: TrainableTransform {
    let inputDimension: Int
    var outputDimension: Int { inputDimension }
    var isTrained: Bool { true }

    func train(_ rows: VectorRows, _ work: BuildWork) {}
    func apply(_ rows: VectorRows) -> VectorRows { rows.normalized() }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("VNrm")
        try writer.f32(2)
        try TransformShape(
            inputDimension: inputDimension, outputDimension: outputDimension, isTrained: true
        ).write(to: &writer)
    }
}

/// Zeros behind the components.
struct Padding: TrainableTransform {
    let inputDimension: Int
    let outputDimension: Int
    var isTrained: Bool { true }

    func train(_ rows: VectorRows, _ work: BuildWork) {}

    func apply(_ rows: VectorRows) -> VectorRows {
        var values = [Float](repeating: 0, count: rows.count * outputDimension)
        for row in 0..<rows.count {
            for i in 0..<inputDimension {
                values[row * outputDimension + i] = rows.values[row * inputDimension + i]
            }
        }
        return VectorRows(checked: values, dimension: outputDimension)
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("RmDT")
        try writer.vector((0..<outputDimension).map { Int32($0 < inputDimension ? $0 : -1) })
        try TransformShape(
            inputDimension: inputDimension, outputDimension: outputDimension, isTrained: true
        ).write(to: &writer)
    }
}

/// A rotation by signs and Walsh–Hadamard transforms.
struct SignedHadamard: TrainableTransform {
    private let rotation: HadamardRotation
    var inputDimension: Int { rotation.inputDimension }
    var outputDimension: Int { rotation.outputDimension }
    var isTrained: Bool { true }

    init(_ inputDimension: Int, seed: UInt32) {
        var size = 1
        while size < inputDimension { size *= 2 }
        rotation = HadamardRotation(
            seed: seed,
            shape: TransformShape(
                inputDimension: inputDimension, outputDimension: size, isTrained: true))
    }

    func train(_ rows: VectorRows, _ work: BuildWork) {}

    func apply(_ rows: VectorRows) -> VectorRows {
        VectorRows(
            checked: (0..<rows.count).flatMap { rotation.apply(rows.row($0)) },
            dimension: outputDimension)
    }

    func write(to writer: inout IndexWriter) throws { try rotation.write(to: &writer) }
}

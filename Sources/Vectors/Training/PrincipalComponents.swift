#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The directions in which training vectors vary most.
struct PrincipalComponents: TrainableTransform {
    /// Whether components are scaled to equal variance.
    let whitens: Bool
    /// Whether the components are mixed by a random rotation afterwards.
    let rotates: Bool
    /// Whether vectors are taken relative to their mean.
    let centers: Bool
    private(set) var map: LinearMap
    private var mean: [Float] = []
    private var eigenvalues: [Float] = []
    /// All directions, one a row, by falling eigenvalue.
    private var directions: [Float] = []

    var inputDimension: Int { map.inputDimension }
    var outputDimension: Int { map.outputDimension }
    var isTrained: Bool { !map.matrix.isEmpty }
    private var eigenPower: Float { whitens ? -0.5 : 0 }

    init(
        _ inputDimension: Int, _ outputDimension: Int, whitens: Bool = false,
        rotates: Bool = false, centers: Bool = true
    ) {
        self.whitens = whitens
        self.rotates = rotates
        self.centers = centers
        map = LinearMap(inputDimension, outputDimension)
    }

    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        let rows = rows.sample(1000 * inputDimension)
        guard rows.count >= outputDimension else {
            throw .tooFewVectors(
                found: rows.count, needed: outputDimension,
                purpose: "\(outputDimension) principal components")
        }
        work.report(TrainingProgress(stage: "principal components", completed: 0, total: 1))
        mean = centers ? rows.mean() : Array(repeating: 0, count: inputDimension)
        let centered = centers ? rows.subtracting(mean) : rows
        let (values, vectors) = SymmetricEigen.decompose(
            centered.products(with: centered), size: inputDimension)
        eigenvalues = values.map(Float.init)
        directions = vectors.map(Float.init)
        try combine()
        work.report(TrainingProgress(stage: "principal components", completed: 1, total: 1))
    }

    /// A and b of the directions that are kept.
    private mutating func combine() throws(TrainingError) {
        let kept = LinearMap(
            inputDimension, outputDimension,
            matrix: Array(directions.prefix(outputDimension * inputDimension)))
        var factors = [Float](repeating: 1, count: outputDimension)
        if whitens {
            for i in 0..<outputDimension {
                guard eigenvalues[i] > 0 else {
                    throw .badSetting(
                        "the variance of component \(i)", found: "\(eigenvalues[i])",
                        expected: "positive for whitening; keep at most \(i) components")
                }
                factors[i] = 1 / eigenvalues[i].squareRoot()
            }
        }
        var outer = LinearMap(
            outputDimension, outputDimension,
            matrix: rotates
                ? Orthogonal.randomRotation(
                    inputDimension: outputDimension, outputDimension: outputDimension, seed: 5)
                : (0..<outputDimension * outputDimension).map {
                    $0 % (outputDimension + 1) == 0 ? 1 : 0
                })
        for row in 0..<outputDimension {
            for column in 0..<outputDimension {
                outer.matrix[row * outputDimension + column] *= factors[column]
            }
        }
        var combined = outer.after(kept)
        combined.bias = (0..<outputDimension).map { row in
            var sum: Float = 0
            for i in 0..<inputDimension {
                sum -= mean[i] * combined.matrix[row * inputDimension + i]
            }
            return sum
        }
        map = combined
    }

    func apply(_ rows: VectorRows) -> VectorRows { map.apply(rows) }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Pcam")
        try writer.f32(eigenPower)
        try writer.f32(0)
        try writer.bool(rotates)
        try writer.i32(0)
        try writer.vector(mean)
        try writer.vector(eigenvalues)
        try writer.vector(directions)
        try map.write(hasBias: true, isTrained: isTrained, to: &writer)
    }
}

/// y = A x + b: rotations, OPQ, PCA, the rotation of ITQ.
struct LinearTransform: ShapedTransform {
    /// What types beyond the plain one keep of their training.
    private enum Origin: Sendable {
        case plain
        case principalComponents(
            eigenPower: Float, epsilon: Float, rotates: Bool, balancedBins: Int32, mean: [Float],
            eigenvalues: [Float], matrix: [Float])
        case iterativeQuantization(maximumIterations: Int32, seed: Int32)
    }

    let type: FourCC
    private let origin: Origin
    private let hasBias: Bool
    /// A, `[d_out, d_in]`.
    private let matrix: [Float]
    private let bias: [Float]
    let shape: TransformShape

    init(reading reader: inout IndexReader, type: FourCC) throws {
        switch type {
        case "Pcam", "PcAm", "PCAm":
            // Older files lack one field, or two.
            self.type = "Pcam"
            origin = .principalComponents(
                eigenPower: try reader.f32("eigen_power"),
                epsilon: type == "Pcam" ? try reader.f32("epsilon") : 0,
                rotates: try reader.bool("random_rotation"),
                balancedBins: type == "PCAm" ? 0 : try reader.i32("balanced_bins"),
                mean: try reader.vector("mean", of: Float.self),
                eigenvalues: try reader.vector("eigenvalues", of: Float.self),
                matrix: try reader.vector("PCAMat", of: Float.self))
        case "Viqm":
            self.type = type
            origin = .iterativeQuantization(
                maximumIterations: try reader.i32("max_iter"), seed: try reader.i32("seed"))
        default:
            self.type = type
            origin = .plain
        }
        hasBias = try reader.bool("have_bias")
        matrix = try reader.vector("A", of: Float.self)
        bias = try reader.vector("b", of: Float.self)
        shape = try TransformShape(reading: &reader)
        guard shape.isTrained else { return }
        let size = shape.inputDimension * shape.outputDimension
        try reader.require(
            matrix.count == size && size > 0, "A", found: "\(matrix.count) elements",
            expected: "\(shape.outputDimension) x \(shape.inputDimension)")
        try reader.require(
            bias.count == shape.outputDimension || !hasBias, "b",
            found: "\(bias.count) elements", expected: "\(shape.outputDimension)")
    }

    func apply(_ vector: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: outputDimension)
        matrix.withUnsafeBytes { matrix in
            guard let base = matrix.baseAddress else { return }
            RowDistances.fill(
                &result, query: vector, rows: base, count: outputDimension,
                dimension: inputDimension, metric: .innerProduct)
        }
        if hasBias { for i in result.indices { result[i] += bias[i] } }
        return result
    }

    /// Aᵀ (y − b), which undoes the transform where the rows of A are orthonormal.
    func applyTransposed(_ vector: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: inputDimension)
        for row in 0..<outputDimension {
            let value = hasBias ? vector[row] - bias[row] : vector[row]
            for column in 0..<inputDimension {
                result[column] += value * matrix[row * inputDimension + column]
            }
        }
        return result
    }

    /// Whether the rows of A are orthonormal, to 4e-5 in each product as in Faiss.
    private var isOrthonormal: Bool {
        guard outputDimension <= inputDimension else { return false }
        return matrix.withUnsafeBufferPointer { matrix in
            guard let base = matrix.baseAddress else { return false }
            for row in 0..<outputDimension {
                for other in 0...row {
                    let product = RowDistances.innerProduct(
                        base + row * inputDimension, base + other * inputDimension,
                        inputDimension)
                    if abs(product - (row == other ? 1 : 0)) > 4e-5 { return false }
                }
            }
            return true
        }
    }

    /// As in Faiss, principal components go back by Aᵀ even where they are whitened.
    func reverse(_ vector: [Float]) throws -> [Float] {
        if case .principalComponents = origin { return applyTransposed(vector) }
        guard isOrthonormal else {
            throw VectorSearchError.unsupported(
                "way back", by: "a linear transform that is no rotation")
        }
        return applyTransposed(vector)
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        switch origin {
        case .plain: break
        case .principalComponents(
            let eigenPower, let epsilon, let rotates, let balancedBins, let mean,
            let eigenvalues, let matrix):
            try writer.f32(eigenPower)
            try writer.f32(epsilon)
            try writer.bool(rotates)
            try writer.value(balancedBins)
            try writer.vector(mean)
            try writer.vector(eigenvalues)
            try writer.vector(matrix)
        case .iterativeQuantization(let maximumIterations, let seed):
            try writer.value(maximumIterations)
            try writer.value(seed)
        }
        try writer.bool(hasBias)
        try writer.vector(matrix)
        try writer.vector(bias)
        try shape.write(to: &writer)
    }
}

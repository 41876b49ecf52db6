import FathomKernels

/// y = A x + b for many rows at once.
struct LinearMap: Sendable {
    let inputDimension: Int
    let outputDimension: Int
    /// `[outputDimension, inputDimension]`; empty before training.
    var matrix: [Float] = []
    var bias: [Float] = []

    init(_ inputDimension: Int, _ outputDimension: Int, matrix: [Float] = []) {
        self.inputDimension = inputDimension
        self.outputDimension = outputDimension
        self.matrix = matrix
    }

    func apply(_ rows: VectorRows) -> VectorRows {
        precondition(
            rows.dimension == inputDimension && matrix.count == inputDimension * outputDimension
                && (bias.isEmpty || bias.count == outputDimension))
        var result = [Float](repeating: 0, count: rows.count * outputDimension)
        bias.withUnsafeBufferPointer { bias in
            fk_matmul_f32_nt(
                &result, outputDimension, rows.values, inputDimension, matrix, inputDimension,
                Int64(rows.count), 0, Int64(outputDimension), Int64(inputDimension),
                bias.isEmpty ? nil : bias.baseAddress, 0)
        }
        return VectorRows(checked: result, dimension: outputDimension)
    }

    /// The map of this one after another.
    func after(_ first: LinearMap) -> LinearMap {
        var combined = [Float](repeating: 0, count: outputDimension * first.inputDimension)
        fk_matmul_f32_nn(
            &combined, first.inputDimension, matrix, inputDimension, first.matrix,
            first.inputDimension, 0, Int64(outputDimension), Int64(first.inputDimension),
            Int64(inputDimension), 0)
        return LinearMap(first.inputDimension, outputDimension, matrix: combined)
    }

    /// The fields of Faiss's linear transforms after those of their types.
    func write(hasBias: Bool, isTrained: Bool, to writer: inout IndexWriter) throws {
        try writer.bool(hasBias)
        try writer.vector(matrix)
        try writer.vector(bias)
        try TransformShape(
            inputDimension: inputDimension, outputDimension: outputDimension, isTrained: isTrained
        ).write(to: &writer)
    }
}

extension VectorRows {
    /// The mean of the rows, summed in their order.
    func mean() -> [Float] {
        var sums = [Float](repeating: 0, count: dimension)
        for row in 0..<count {
            for i in 0..<dimension { sums[i] += values[row * dimension + i] }
        }
        return sums.map { $0 / Float(max(1, count)) }
    }

    /// Every row less a vector.
    func subtracting(_ vector: [Float]) -> VectorRows {
        var values = values
        for row in 0..<count {
            for i in 0..<dimension { values[row * dimension + i] -= vector[i] }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    /// Σ x yᵀ over rows x of this and y of the other: `[dimension, other.dimension]`.
    package func products(with other: VectorRows) -> [Double] {
        precondition(other.count == count, "as many rows")
        let (height, width) = (dimension, other.dimension)
        var sums = [Double](repeating: 0, count: height * width)
        var part = [Float](repeating: 0, count: height * width)
        values.withUnsafeBufferPointer { x in
            other.values.withUnsafeBufferPointer { y in
                guard let x = x.baseAddress, let y = y.baseAddress else { return }
                // Short sums in floats, their sum in doubles.
                for first in stride(from: 0, to: count, by: 256) {
                    fk_matmul_f32_tn(
                        &part, width, x + first * height, height, y + first * width, width, 0,
                        Int64(height), Int64(width), Int64(min(256, count - first)), 0)
                    for i in part.indices { sums[i] += Double(part[i]) }
                }
            }
        }
        return sums
    }
}

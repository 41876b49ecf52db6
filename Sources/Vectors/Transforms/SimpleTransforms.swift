/// Components in another order, or left out; the others are 0.
struct RemapTransform: ShapedTransform {
    /// For each output component the input component, or −1.
    private let map: [Int32]
    let shape: TransformShape

    init(reading reader: inout IndexReader) throws {
        map = try reader.vector("map", of: Int32.self)
        shape = try TransformShape(reading: &reader)
        try reader.require(
            map.count == shape.outputDimension, "map", found: "\(map.count) elements",
            expected: "\(shape.outputDimension)")
        for entry in map where entry < -1 || Int(entry) >= shape.inputDimension {
            throw reader.failure(
                "map", found: entry, expected: "from -1 to \(shape.inputDimension - 1)")
        }
    }

    func apply(_ vector: [Float]) -> [Float] { map.map { $0 < 0 ? 0 : vector[Int($0)] } }

    func reverse(_ vector: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: inputDimension)
        for (value, entry) in zip(vector, map) where entry >= 0 { result[Int(entry)] = value }
        return result
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("RmDT")
        try writer.vector(map)
        try shape.write(to: &writer)
    }
}

/// Vectors scaled to length 1; the zero vector stays.
struct NormalizationTransform: ShapedTransform {
    private let norm: Float
    let shape: TransformShape

    init(reading reader: inout IndexReader) throws {
        norm = try reader.f32("norm")
        shape = try TransformShape(reading: &reader)
        try reader.require(
            norm == 2, "norm", found: norm, expected: "2; no other norm is defined")
        try reader.require(
            shape.inputDimension == shape.outputDimension, "d_out", found: shape.outputDimension,
            expected: "\(shape.inputDimension)")
    }

    static func normalized(_ vector: [Float]) -> [Float] {
        let squared = RowDistances.squaredNorm(vector, vector.count)
        guard squared > 0 else { return vector }
        let scale = 1 / squared.squareRoot()
        return vector.map { $0 * scale }
    }

    func apply(_ vector: [Float]) -> [Float] { Self.normalized(vector) }
    /// Faiss takes the normalised vector for the original.
    func reverse(_ vector: [Float]) -> [Float] { vector }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("VNrm")
        try writer.f32(norm)
        try shape.write(to: &writer)
    }
}

/// Vectors less the mean of the training vectors.
struct CenteringTransform: ShapedTransform {
    private let mean: [Float]
    let shape: TransformShape

    init(reading reader: inout IndexReader) throws {
        mean = try reader.vector("mean", of: Float.self)
        shape = try TransformShape(reading: &reader)
        try reader.require(
            mean.count == shape.inputDimension || !shape.isTrained, "mean",
            found: "\(mean.count) elements", expected: "\(shape.inputDimension)")
        try reader.require(
            shape.inputDimension == shape.outputDimension, "d_out", found: shape.outputDimension,
            expected: "\(shape.inputDimension)")
    }

    func apply(_ vector: [Float]) -> [Float] { zip(vector, mean).map { $0 - $1 } }
    func reverse(_ vector: [Float]) -> [Float] { zip(vector, mean).map { $0 + $1 } }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("VCnt")
        try writer.vector(mean)
        try shape.write(to: &writer)
    }
}

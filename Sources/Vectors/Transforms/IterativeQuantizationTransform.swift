/// Centres, normalises, then rotates so that signs lose little.
///
/// Source: Gong, Lazebnik, "Iterative quantization", 2011.
struct IterativeQuantizationTransform: ShapedTransform {
    private let mean: [Float]
    private let usesPCA: Bool
    private let rotation: any VectorTransform
    /// The principal components and the rotation in one.
    private let combined: any VectorTransform
    let shape: TransformShape

    init(reading reader: inout IndexReader) throws {
        mean = try reader.vector("mean", of: Float.self)
        usesPCA = try reader.bool("do_pca")
        rotation = try Transforms.read("itq", &reader)
        combined = try Transforms.read("pca_then_itq", &reader)
        shape = try TransformShape(reading: &reader)
        guard shape.isTrained else { return }
        try reader.require(
            mean.count == shape.inputDimension, "mean", found: "\(mean.count) elements",
            expected: "\(shape.inputDimension)")
        try reader.require(
            combined.isTrained && combined.inputDimension == shape.inputDimension
                && combined.outputDimension == shape.outputDimension, "pca_then_itq",
            found: "\(combined.inputDimension) to \(combined.outputDimension)",
            expected: "trained, \(shape.inputDimension) to \(shape.outputDimension)")
    }

    func apply(_ vector: [Float]) -> [Float] {
        combined.apply(NormalizationTransform.normalized(zip(vector, mean).map { $0 - $1 }))
    }

    func reverse(_ vector: [Float]) throws -> [Float] {
        throw VectorSearchError.unsupported("way back", by: "a transform that normalises")
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Viqt")
        try writer.vector(mean)
        try writer.bool(usesPCA)
        try rotation.write(to: &writer)
        try combined.write(to: &writer)
        try shape.write(to: &writer)
    }
}

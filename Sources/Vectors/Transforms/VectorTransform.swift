/// A change of vectors before they meet an index.
protocol VectorTransform: Sendable {
    var inputDimension: Int { get }
    var outputDimension: Int { get }
    var isTrained: Bool { get }
    func apply(_ vector: [Float]) -> [Float]
    /// The vector that gives this one, exactly or as nearly as there is one.
    func reverse(_ vector: [Float]) throws -> [Float]
    func write(to writer: inout IndexWriter) throws
}

/// The fields that every transform ends with.
struct TransformShape: Sendable {
    let inputDimension: Int
    let outputDimension: Int
    let isTrained: Bool

    init(inputDimension: Int, outputDimension: Int, isTrained: Bool) {
        self.inputDimension = inputDimension
        self.outputDimension = outputDimension
        self.isTrained = isTrained
    }

    init(reading reader: inout IndexReader) throws(IndexFileError) {
        inputDimension = try reader.int32("d_in", in: 0...IndexHeader.dimensionLimit)
        outputDimension = try reader.int32("d_out", in: 0...IndexHeader.dimensionLimit)
        isTrained = try reader.bool("is_trained")
    }

    func write(to writer: inout IndexWriter) throws(IndexFileError) {
        try writer.i32(inputDimension)
        try writer.i32(outputDimension)
        try writer.bool(isTrained)
    }
}

/// A transform that ends with the common fields.
protocol ShapedTransform: VectorTransform {
    var shape: TransformShape { get }
}

extension ShapedTransform {
    var inputDimension: Int { shape.inputDimension }
    var outputDimension: Int { shape.outputDimension }
    var isTrained: Bool { shape.isTrained }
}

/// Every type of transform in files, by its four characters.
enum Transforms {
    static func read(
        _ name: String, _ reader: inout IndexReader
    ) throws -> any VectorTransform {
        try reader.nested(name) { reader in
            let type = try reader.fourCC("type")
            switch type {
            case "LTra", "rrot", "Pcam", "PcAm", "PCAm", "Viqm":
                return try LinearTransform(reading: &reader, type: type)
            case "Viqt": return try IterativeQuantizationTransform(reading: &reader)
            case "HRot": return try HadamardRotation(reading: &reader)
            case "RmDT": return try RemapTransform(reading: &reader)
            case "VNrm": return try NormalizationTransform(reading: &reader)
            case "VCnt": return try CenteringTransform(reading: &reader)
            default:
                throw reader.refusal(of: type)
            }
        }
    }
}

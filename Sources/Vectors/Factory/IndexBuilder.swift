/// Trains an index, fills it and writes it.
///
/// ```swift
/// var builder = try IndexBuilder(IndexDescription("IVF256,PQ16", dimension: 128))
/// try builder.train(vectors)
/// try builder.add(vectors)
/// try builder.write("passages.faiss")
/// ```
public struct IndexBuilder: Sendable {
    public let description: IndexDescription
    private var index: any BuildableIndex

    /// An index of a description, not trained and empty.
    public init(_ description: IndexDescription) throws {
        self.description = description
        index = try Self.make(description)
    }

    /// How many vectors were added.
    public var count: Int { index.count }

    /// Whether vectors can be added.
    public var isTrained: Bool { index.isTrained }

    /// Finds what the index needs to know of vectors before any is added.
    ///
    /// Does nothing if the index is trained. The outcome does not depend on `threads`.
    /// - Throws: `TrainingError`.
    public mutating func train(
        _ vectors: VectorRows, threads: Int = 1, progress: TrainingProgressHandler? = nil
    ) throws {
        guard !index.isTrained else { return }
        try vectors.check(dimension: index.dimension)
        try index.train(vectors, BuildWork(threads: threads, progress: progress))
    }

    /// Adds vectors behind those that are there.
    ///
    /// - Parameter ids: labels of the vectors, for inverted lists and ID maps; nil to number them
    ///   from `count` on.
    /// - Throws: `TrainingError`.
    public mutating func add(
        _ vectors: VectorRows, ids: [Int64]? = nil, threads: Int = 1,
        progress: TrainingProgressHandler? = nil
    ) throws {
        guard index.isTrained else { throw TrainingError.notTrained("the index") }
        try vectors.check(dimension: index.dimension)
        if let ids, ids.count != vectors.count {
            throw TrainingError.wrongIDCount(found: ids.count, expected: vectors.count)
        }
        try index.add(vectors, ids: ids, BuildWork(threads: threads, progress: progress))
    }

    /// The index as one that can be searched.
    public func finished() throws -> any VectorIndex { try index.finished() }

    /// Writes the index; under the name stands the whole new file or what stood there before.
    ///
    /// - Throws: `IndexFileError`.
    public func write(_ path: String) throws {
        var writer = IndexWriter(file: try AtomicIndexFile(path: path))
        try index.write(to: &writer)
        try writer.finish()
    }
}

extension IndexBuilder {
    /// Descriptions are as deep as the parser lets factory strings be.
    private static func make(_ description: IndexDescription) throws -> any BuildableIndex {
        let (dimension, metric) = (description.dimension, description.metric)
        switch description.kind {
        case .flat, .scalarQuantizer, .productQuantizer, .fastScan, .additive, .signs, .rabitq:
            return BuildableCodes(codec(description.kind, dimension, metric), metric)
        case .graph(let linkCount, let storage):
            guard let codec = codec(storage.kind, dimension, metric) as? any DecodableCodec else {
                throw VectorSearchError.unsupported("graph over it", by: "\(storage.kind)")
            }
            return BuildableGraph(codec, metric, linkCount: linkCount)
        case .spreadingGraph(let degree, let storage):
            guard let codec = codec(storage.kind, dimension, metric) as? any DecodableCodec else {
                throw VectorSearchError.unsupported("graph over it", by: "\(storage.kind)")
            }
            return BuildableSpreadingGraph(codec, metric, degree: degree)
        case .lists(let count, let quantizer, let codes, let isResidual):
            guard let codec = codec(codes, dimension, metric) as? any ListCodec else {
                throw VectorSearchError.unsupported("inverted lists", by: "\(codes)")
            }
            return BuildableLists(
                codec, metric, listCount: count, isResidual: isResidual,
                quantizer: try make(quantizer))
        case .transformed(let transforms, let inner):
            return BuildableChain(transforms.map(transform), try make(inner))
        case .idMap(let inner, let isReversible):
            return BuildableIDMap(try make(inner), isReversible: isReversible)
        case .refined(let base, let refinement):
            return BuildableRefinement(try make(base), try make(refinement))
        }
    }

    private static func codec(
        _ kind: IndexDescription.Kind, _ dimension: Int, _ metric: Metric
    ) -> any RowCodec {
        switch kind {
        case .scalarQuantizer(let type):
            ScalarCodec(dimension: dimension, kind: type.kind)
        case .productQuantizer(let partCount, let bits):
            ProductCodec(dimension: dimension, partCount: partCount, bits: bits)
        case .fastScan(let partCount, let blockRows):
            ProductCodec(
                dimension: dimension, partCount: partCount, bits: 4, blockRows: blockRows)
        case .additive(let description):
            AdditiveCodec(dimension: dimension, metric: metric, description)
        case .signs(let bitCount, let rotates, let trainsThresholds):
            SignCodec(
                dimension: dimension, bitCount: bitCount, rotates: rotates,
                trainsThresholds: trainsThresholds)
        case .rabitq(let bits):
            RaBitQCodec(dimension: dimension, metric: metric, bits: bits)
        default:
            FloatCodec(dimension: dimension)
        }
    }

    private static func transform(
        _ description: TransformDescription
    ) -> any TrainableTransform {
        let (input, output) = (description.inputDimension, description.outputDimension)
        switch description.kind {
        case .principalComponents(let whitens, let rotates):
            return PrincipalComponents(input, output, whitens: whitens, rotates: rotates)
        case .unitLength: return UnitLength(inputDimension: input)
        case .randomRotation: return RandomRotation(input, output)
        case .hadamard(let seed): return SignedHadamard(input, seed: seed)
        case .signRotation(let usesPrincipalComponents):
            return SignRotation(input, output, usesPrincipalComponents: usesPrincipalComponents)
        case .optimizedRotation(let partCount):
            return OptimizedRotation(input, output, partCount: partCount)
        case .padding: return Padding(inputDimension: input, outputDimension: output)
        }
    }
}

extension IndexDescription.ScalarType {
    package var kind: ScalarQuantizer.Kind {
        switch self {
        case .eightBit: .eightBit
        case .sixBit: .sixBit
        case .fourBit: .fourBit
        case .float16: .float16
        case .brainFloat16: .brainFloat16
        case .eightBitDirect: .eightBitDirect
        case .eightBitDirectSigned: .eightBitDirectSigned
        }
    }
}

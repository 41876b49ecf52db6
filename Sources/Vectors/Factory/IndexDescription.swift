/// What a factory string asks for: a type of index and everything inside it.
public struct IndexDescription: Sendable, Hashable {
    /// Components of a vector.
    public let dimension: Int
    public let metric: Metric
    public let kind: Kind

    /// The types of index that can be built.
    public indirect enum Kind: Sendable, Hashable {
        /// Vectors as they are: `Flat`.
        case flat
        /// Rounded components: `SQ8`, `SQ6`, `SQ4`, `SQfp16`, `SQbf16`, `SQ8_direct` …
        case scalarQuantizer(ScalarType)
        /// Codes of parts: `PQ8`, `PQ8x6`.
        case productQuantizer(partCount: Int, bits: Int)
        /// Codes of parts in blocks: `PQ8x4fs`, `PQ8x4fs_64`.
        case fastScan(partCount: Int, blockRows: Int)
        /// Sums of entries of codebooks: `RQ8x8`, `LSQ4x8_Nqint8`, `PRQ2x4x4fs_Nrq2x4` …
        case additive(AdditiveDescription)
        /// Signs of components: `LSH`, `LSH16rt`.
        case signs(bitCount: Int, rotates: Bool, trainsThresholds: Bool)
        /// `RaBitQ`, `RaBitQ4`.
        case rabitq(bits: Int)
        /// A graph over `flat`, `scalarQuantizer` or `productQuantizer`: `HNSW32`, `HNSW16_SQ8`.
        case graph(linkCount: Int, storage: IndexDescription)
        /// A graph of one layer over one of the same: `NSG32`, `NSG16_SQ8`.
        case spreadingGraph(degree: Int, storage: IndexDescription)
        /// Inverted lists of one of the kinds of codes: `IVF256,PQ8`.
        case lists(count: Int, quantizer: IndexDescription, codes: Kind, isResidual: Bool)
        /// Transforms before an index: `OPQ8,PQ8`.
        case transformed([TransformDescription], IndexDescription)
        /// An index whose vectors have labels of their own: `IDMap,Flat`, `IDMap2,Flat`.
        case idMap(IndexDescription, isReversible: Bool)
        /// An index whose results a second one compares again: `PQ8,RFlat`, `PQ8,Refine(SQ8)`.
        case refined(IndexDescription, by: IndexDescription)
    }

    /// How components are rounded.
    public enum ScalarType: String, Sendable, Hashable, CaseIterable {
        case eightBit = "SQ8"
        case sixBit = "SQ6"
        case fourBit = "SQ4"
        case float16 = "SQfp16"
        case brainFloat16 = "SQbf16"
        case eightBitDirect = "SQ8_direct"
        case eightBitDirectSigned = "SQ8_direct_signed"
    }

    /// Reads a factory string.
    ///
    /// The grammar is Faiss's; types that Faiss has beyond `Kind` are refused by name.
    /// - Throws: `FactoryError`, which says at which character.
    public init(
        _ string: String, dimension: Int, metric: Metric = .l2
    ) throws(FactoryError) {
        var parser = FactoryParser(string)
        self = try parser.parse(dimension: dimension, metric: metric)
    }

    init(dimension: Int, metric: Metric, kind: Kind) {
        self.dimension = dimension
        self.metric = metric
        self.kind = kind
    }
}

/// A change of vectors before they meet an index.
public struct TransformDescription: Sendable, Hashable {
    public let inputDimension: Int
    public let outputDimension: Int
    public let kind: Kind

    public enum Kind: Sendable, Hashable {
        /// `PCA16`, `PCAW16`, `PCAR16`, `PCAWR16`.
        case principalComponents(whitens: Bool, rotates: Bool)
        /// `L2norm`.
        case unitLength
        /// `RR`, `RR16`.
        case randomRotation
        /// `HR`, `HR7`.
        case hadamard(seed: UInt32)
        /// `ITQ`, `ITQ16`.
        case signRotation(usesPrincipalComponents: Bool)
        /// `OPQ8`, `OPQ8_16`.
        case optimizedRotation(partCount: Int)
        /// `Pad40`.
        case padding
    }
}

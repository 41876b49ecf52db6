/// Codes of sums of entries of several codebooks, as a factory string asks for them.
public struct AdditiveDescription: Sendable, Hashable {
    /// How the entries of a vector are found.
    public enum Family: String, Sendable, Hashable {
        /// One codebook after the other: `RQ`, of parts `PRQ`.
        case residual = "RQ"
        /// All together, by local search: `LSQ`, of parts `PLSQ`.
        case localSearch = "LSQ"
    }

    /// What a code has of the norm of its vector.
    public enum Norm: String, Sendable, Hashable, CaseIterable {
        /// Nothing: vectors are decoded to be compared. There is no suffix for it.
        case decoded = ""
        /// Nothing: norms do not matter.
        case none = "none"
        case float = "float"
        /// Eight or four bits of its range.
        case levels8 = "qint8"
        case levels4 = "qint4"
        /// One of 256 or 16 norms.
        case codes8 = "cqint8"
        case codes4 = "cqint4"
        /// A sum of entries of two tables of 16, which were found as those of the family.
        case localSearch2x4 = "lsq2x4"
        case residual2x4 = "rq2x4"
    }

    public let family: Family
    /// Parts that a vector is cut into, each with codebooks of its own; nil for none.
    public let partCount: Int?
    /// Bits of the numbers of each codebook of a vector or part.
    public let bits: [Int]
    public let norm: Norm
    /// Vectors of a block, for codes in blocks; nil for plain ones.
    public let blockRows: Int?

    /// Bits of the numbers of all codebooks.
    var allBits: [Int] { (0..<(partCount ?? 1)).flatMap { _ in bits } }
}

extension AdditiveDescription.Norm {
    var searchType: AdditiveQuantizer.SearchType {
        switch self {
        case .decoded: .decompress
        case .none: .tableWithoutNorm
        case .float: .normFloat
        case .levels8: .norm8
        case .levels4: .norm4
        case .codes8: .normCode8
        case .codes4: .normCode4
        case .localSearch2x4: .normLocalSearch2x4
        case .residual2x4: .normResidual2x4
        }
    }
}

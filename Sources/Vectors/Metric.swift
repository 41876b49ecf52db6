/// How the nearness of two vectors is measured; raw values are those of Faiss's files.
///
/// For vectors x and y, sums over components. Nothing takes a root: `l2` is the squared Euclidean
/// distance, and radii are squared too.
public enum Metric: Int32, Sendable, Hashable, CaseIterable {
    /// Σ x·y, larger is nearer.
    case innerProduct = 0
    /// Σ (x − y)².
    case l2 = 1
    /// Σ |x − y|.
    case l1 = 2
    /// max |x − y|.
    case linf = 3
    /// Σ |x − y|^p, where p is the index's metric argument.
    case lp = 4
    /// Σ |x − y| / (|x| + |y|).
    case canberra = 20
    /// Σ |x − y| / Σ |x + y|.
    case brayCurtis = 21
    /// Jensen–Shannon divergence of two distributions.
    case jensenShannon = 22
    /// Σ min(x, y) / Σ max(x, y), larger is nearer.
    case jaccard = 23
    /// `l2` over the components that are numbers in both, scaled up to all of them.
    case nanEuclidean = 24
    /// Mean of |x − y| in [0, 1], or of x ≠ y where both are negative (categories).
    case gower = 25

    /// Whether larger values are nearer.
    public var isSimilarity: Bool { self == .innerProduct || self == .jaccard }

    /// The value beside label −1, where a search found fewer than `k` vectors.
    public var missingDistance: Float {
        isSimilarity ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude
    }
}

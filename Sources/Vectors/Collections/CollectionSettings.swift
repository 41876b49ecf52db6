/// How a collection measures nearness.
public enum CollectionMetric: Int32, Sendable, Hashable, CaseIterable {
    /// Σ x·y, larger is nearer.
    case innerProduct = 0
    /// Σ (x − y)², the squared Euclidean distance.
    case l2 = 1
    /// The cosine of the angle, larger is nearer. Vectors are kept at length 1, and a vector of
    /// zeros is refused.
    case cosine = 2

    /// The metric of the indexes inside.
    var metric: Metric { self == .l2 ? .l2 : .innerProduct }
}

/// What a collection is, from its creation on.
///
/// ```swift
/// let settings = CollectionSettings(
///     dimension: 384, metric: .cosine, factory: "HNSW32",
///     columns: [.init("year", .integer), .init("lang", .string)])
/// ```
public struct CollectionSettings: Sendable, Hashable {
    /// Components of a vector.
    public var dimension: Int
    public var metric: CollectionMetric
    /// The index that large segments get, as a factory string: `Flat`, `HNSW32`, `IVF256,PQ16` …
    /// without `IDMap` and `RFlat`, whose work the collection does itself.
    public var factory: String
    public var columns: [ColumnDefinition]
    /// How many rows are gathered in memory before they are sealed into a segment.
    public var sealRows: Int
    /// Segments with fewer rows are scanned instead of indexed.
    public var indexRows: Int

    public init(
        dimension: Int, metric: CollectionMetric = .l2, factory: String = "HNSW32",
        columns: [ColumnDefinition] = [], sealRows: Int = 16_384, indexRows: Int = 20_000
    ) {
        self.dimension = dimension
        self.metric = metric
        self.factory = factory
        self.columns = columns
        self.sealRows = sealRows
        self.indexRows = indexRows
    }

    /// The most components of a vector.
    public static let dimensionLimit = 65_536
    /// The most columns of a collection.
    public static let columnLimit = 256
    /// The most bytes of a string in a column.
    public static let stringLimit = 65_536
    /// The most rows of a segment: graphs number them by 32 bits.
    public static let segmentLimit = Int(Int32.max)
    /// The most bytes of one call's record in the log.
    public static let recordLimit = 1 << 28

    /// The type of index that the factory string names.
    func description() throws -> IndexDescription {
        try IndexDescription(factory, dimension: dimension, metric: metric.metric)
    }

    /// Throws unless a collection can be made of the settings.
    func check() throws {
        func require(
            _ condition: Bool, _ name: String, _ found: some Any, _ expected: String
        ) throws(CollectionError) {
            guard condition else {
                throw CollectionError(
                    "", .refused(name, found: "\(found)", expected: expected))
            }
        }
        try require(
            (1...Self.dimensionLimit).contains(dimension), "the dimension", dimension,
            "from 1 to \(Self.dimensionLimit)")
        try require(
            (1...Self.segmentLimit).contains(sealRows), "the number of rows to seal", sealRows,
            "from 1 to \(Self.segmentLimit)")
        try require(
            (1...Self.segmentLimit).contains(indexRows), "the number of rows to index", indexRows,
            "from 1 to \(Self.segmentLimit)")
        try require(
            columns.count <= Self.columnLimit, "the number of columns", columns.count,
            "at most \(Self.columnLimit)")
        var names: Set<String> = []
        for column in columns {
            try require(
                ColumnDefinition.isName(column.name), "the name of a column",
                "'\(column.name.prefix(80))'",
                "1 to 64 letters, digits and '_', no digit first")
            try require(
                !PredicateScanner.keywords.contains(column.name.lowercased()),
                "the name of a column", "'\(column.name)'", "no word of the predicates")
            try require(
                names.insert(column.name).inserted, "the name of a column", "'\(column.name)'",
                "given once")
        }
        let kind = try description().kind
        try require(
            kind.suitsSegments, "the factory string", "'\(factory)'",
            "without IDMap and RFlat or Refine: a collection keeps ids and vectors itself")
    }
}

extension IndexDescription.Kind {
    /// Whether nothing in it keeps ids or refines.
    var suitsSegments: Bool {
        switch self {
        case .idMap, .refined: false
        case .transformed(_, let index): index.kind.suitsSegments
        default: true
        }
    }

    /// Whether distances are those of the vectors themselves.
    var isExact: Bool {
        switch self {
        case .flat: true
        case .graph(_, let storage), .spreadingGraph(_, let storage): storage.kind == .flat
        case .lists(_, _, let codes, _): codes == .flat
        default: false
        }
    }

    var hasGraph: Bool {
        switch self {
        case .graph: true
        case .transformed(_, let index): index.kind.hasGraph
        default: false
        }
    }

    /// How many inverted lists there are; nil without.
    var listCount: Int? {
        switch self {
        case .lists(let count, _, _, _): count
        case .transformed(_, let index): index.kind.listCount
        default: nil
        }
    }
}

/// The fields that every index of float vectors begins with.
struct IndexHeader: Sendable, Hashable {
    var dimension: Int
    var count: Int
    /// Two numbers without meaning, kept so that a rewritten file has the same bytes.
    var reserved: [Int64] = [1 << 20, 1 << 20]
    var isTrained: Bool
    var metric: Metric
    /// The power of `Metric.lp`; only stored for metrics beyond L2.
    var metricArgument: Float = 0

    /// The largest dimension that is believed.
    static let dimensionLimit = 1_000_000
}

extension IndexReader {
    mutating func header() throws(IndexFileError) -> IndexHeader {
        let dimension = try int32("d", in: 1...IndexHeader.dimensionLimit)
        let count = try i64("ntotal")
        try require(count >= 0, "ntotal", found: count, expected: "not negative")
        let reserved = [try i64("dummy1"), try i64("dummy2")]
        let isTrained = try bool("is_trained")
        try require(
            isTrained || count == 0, "is_trained", found: false,
            expected: "true in an index that holds vectors")
        let metric = try enumeration("metric_type", as: Metric.self)
        let argument: Float = metric.rawValue > 1 ? try f32("metric_arg") : 0
        return IndexHeader(
            dimension: dimension, count: Int(count), reserved: reserved, isTrained: isTrained,
            metric: metric, metricArgument: argument)
    }

    /// Throws unless the metric is L2 or inner product, the only ones for compressed codes.
    func requirePlainMetric(_ metric: Metric) throws(IndexFileError) {
        try require(
            metric == .l2 || metric == .innerProduct, "metric_type", found: metric,
            expected: "l2 or innerProduct for this type")
    }
}

extension IndexWriter {
    mutating func header(_ header: IndexHeader) throws(IndexFileError) {
        try i32(header.dimension)
        try i64(Int64(header.count))
        try elements(header.reserved)
        try bool(header.isTrained)
        try value(header.metric.rawValue)
        if header.metric.rawValue > 1 { try f32(header.metricArgument) }
    }
}

/// An index that begins with the common header.
protocol HeaderedIndex: VectorIndex {
    var header: IndexHeader { get }
}

extension HeaderedIndex {
    public var dimension: Int { header.dimension }
    public var count: Int { header.count }
    public var metric: Metric { header.metric }
    public var isTrained: Bool { header.isTrained }
}

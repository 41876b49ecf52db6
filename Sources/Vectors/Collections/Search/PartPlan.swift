/// How one part of a collection is searched.
///
/// The cheaper of two ways: to compare every row that passes, or to ask the index with a selector,
/// wider the fewer rows pass, so that as many candidates pass as without one. Costs are distances
/// computed one after the other; one at a random place of a graph counts as four of them, and a
/// candidate of a graph leads to about 16 new ones.
struct PartPlan: Sendable {
    enum Way: Sendable {
        case scan
        /// - Parameter wanted: how many candidates to ask for, to be compared exactly unless the
        ///   index gives exact distances.
        case index(any VectorIndex, Segment, SearchParameters, wanted: Int, isExact: Bool)
    }

    let part: any CollectionPart
    /// The rows that pass; nil for all.
    let rows: RowSet?
    let way: Way

    /// - Returns: nil if no row passes.
    init?(
        _ part: any CollectionPart, _ predicate: BoundPredicate?, k: Int,
        _ options: CollectionSearchOptions
    ) {
        self.part = part
        var passing = part.count
        if predicate == nil && part.deleted.isEmpty {
            rows = nil
        } else {
            let set = part.rows(where: predicate)
            passing = set.memberCount
            rows = passing == part.count ? nil : set
        }
        guard passing > 0 else { return nil }
        way = Self.way(part, rows, passing, k, options)
    }

    private static func way(
        _ part: any CollectionPart, _ rows: RowSet?, _ passing: Int, _ k: Int,
        _ options: CollectionSearchOptions
    ) -> Way {
        guard !options.isExact, passing > k, let segment = (part as? SegmentView)?.segment,
            let index = segment.index, let kind = segment.description?.kind
        else { return .scan }
        let share = Double(passing) / Double(part.count)
        var parameters = SearchParameters()
        let cost: Double
        if kind.hasGraph {
            let width = Double(options.efSearch ?? max(64, k > Int.max / 2 ? k : 2 * k)) / share
            parameters.efSearch = Int(min(width.rounded(.up), Double(part.count)))
            cost = 64 * width
        } else if let lists = kind.listCount {
            let width = Double(options.nprobe ?? max(8, lists / 16)) / share
            let probes = Int(min(width.rounded(.up), Double(lists)))
            parameters.nprobe = probes
            cost = Double(part.count) * Double(probes) / Double(lists)
        } else {
            // Codes that are all looked at, each for less than a vector costs.
            cost = Double(part.count) / 8
        }
        guard cost < Double(passing) else { return .scan }
        if let rows { parameters.selector = .bitmap(rows.bytes) }
        let factor = kind.isExact ? 1 : options.candidateFactor ?? 4
        let wanted = k.multipliedReportingOverflow(by: factor)
        return .index(
            index, segment, parameters,
            wanted: wanted.overflow ? passing : min(passing, wanted.partialValue),
            isExact: kind.isExact)
    }
}

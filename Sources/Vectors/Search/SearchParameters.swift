/// What one search may ask for, by Faiss's names; nil leaves the index's own setting.
public struct SearchParameters: Sendable {
    /// The names as Faiss spells them.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case selector = "sel"
        case nprobe
        case maxCodes = "max_codes"
        case efSearch
        case checkRelativeDistance = "check_relative_distance"
        case boundedQueue = "bounded_queue"
        case kFactor = "k_factor"
        case qb
        case centered
        case polysemousThreshold = "polysemous_ht"
        case scanTableThreshold = "scan_table_threshold"
        case usePrecomputedTable = "use_precomputed_table"
        case searchL = "search_L"
        case nflip
        case useHeap = "use_heap"
        case beamFactor = "beam_factor"
        case quantizer = "quantizer_params"
        case base = "base_index_params"
    }

    /// Only labels it contains are found.
    public var selector: IDSelector?
    /// How many inverted lists are looked at.
    public var nprobe: Int?
    /// After how many codes a search of inverted lists stops; 0 for never.
    public var maxCodes: Int?
    /// How many candidates a graph search keeps.
    public var efSearch: Int?
    /// Whether a graph search stops when `efSearch` nearer ones were seen.
    public var checkRelativeDistance: Bool?
    /// Whether the candidates of a graph search are bounded by `efSearch`.
    public var boundedQueue: Bool?
    /// How many times `k` candidates are refined, from 1 to 1000.
    public var kFactor: Float?
    /// Bits of a query's components in RaBitQ, 0 for floats, at most 8.
    public var qb: Int?
    /// Whether RaBitQ rounds queries symmetrically around zero.
    public var centered: Bool?
    /// Codes of a product quantizer's index that differ in at least this many bits are passed
    /// over; without effect in inverted lists, as in Faiss.
    public var polysemousThreshold: Int?
    /// Accepted as a hint about speed; the result does not depend on it.
    public var scanTableThreshold: Int?
    /// Accepted as a hint about speed; the result does not depend on it.
    public var usePrecomputedTable: Int?
    /// How many candidates a search of an NSG keeps.
    public var searchL: Int?
    /// How many bits of a hash may differ.
    public var nflip: Int?
    /// Accepted as a hint about speed; the result does not depend on it.
    public var useHeap: Bool?
    /// How many times `k` partial codes a coarse residual quantizer follows.
    public var beamFactor: Float?

    /// When the search is to be given up; nil for never.
    public var limit: SearchLimit?

    private var inner: [Name: [SearchParameters]] = [:]

    /// Parameters of the coarse quantizer.
    public var quantizer: SearchParameters? {
        get { inner[.quantizer]?.first }
        set { inner[.quantizer] = newValue.map { [$0] } }
    }

    /// Parameters of the index whose results are refined.
    public var base: SearchParameters? {
        get { inner[.base]?.first }
        set { inner[.base] = newValue.map { [$0] } }
    }

    public init() {}

    /// The names that are set.
    public var names: Set<Name> {
        var names = Set(inner.keys)
        func note(_ isSet: Bool, _ name: Name) { if isSet { names.insert(name) } }
        note(selector != nil, .selector)
        note(nprobe != nil, .nprobe)
        note(maxCodes != nil, .maxCodes)
        note(efSearch != nil, .efSearch)
        note(checkRelativeDistance != nil, .checkRelativeDistance)
        note(boundedQueue != nil, .boundedQueue)
        note(kFactor != nil, .kFactor)
        note(qb != nil, .qb)
        note(centered != nil, .centered)
        note(polysemousThreshold != nil, .polysemousThreshold)
        note(scanTableThreshold != nil, .scanTableThreshold)
        note(usePrecomputedTable != nil, .usePrecomputedTable)
        note(searchL != nil, .searchL)
        note(nflip != nil, .nflip)
        note(useHeap != nil, .useHeap)
        note(beamFactor != nil, .beamFactor)
        return names
    }

    /// Throws where a parameter applies to nothing, or has no valid value.
    func check(against accepted: Set<Name>) throws(VectorSearchError) {
        if let name = names.subtracting(accepted).map(\.rawValue).min() {
            throw .parameterDoesNotApply(name, accepted: accepted.map(\.rawValue).sorted())
        }
        func require(
            _ name: Name, _ value: Int?, _ range: ClosedRange<Int>
        ) throws(VectorSearchError) {
            guard let value, !range.contains(value) else { return }
            let expected =
                range.upperBound == .max
                ? "at least \(range.lowerBound)"
                : "from \(range.lowerBound) to \(range.upperBound)"
            throw .badParameter(name.rawValue, found: "\(value)", expected: expected)
        }
        try require(.nprobe, nprobe, 1 ... .max)
        try require(.maxCodes, maxCodes, 0 ... .max)
        try require(.efSearch, efSearch, 1 ... .max)
        try require(.qb, qb, 0...8)
        try require(.polysemousThreshold, polysemousThreshold, 0 ... .max)
        try require(.searchL, searchL, 1 ... .max)
        try require(.nflip, nflip, 0...8)
        for (name, factor) in [(Name.kFactor, kFactor), (.beamFactor, beamFactor)] {
            guard let factor, !(1...1000).contains(factor) else { continue }
            throw .badParameter(name.rawValue, found: "\(factor)", expected: "from 1 to 1000")
        }
    }
}

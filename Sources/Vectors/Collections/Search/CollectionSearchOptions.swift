/// How a collection is searched; nil leaves it to the collection.
public struct CollectionSearchOptions: Sendable, Hashable {
    /// How many candidates a graph keeps; 64, or 2 k if that is more, unless set.
    public var efSearch: Int?
    /// How many inverted lists are looked at; a sixteenth of them, and at least 8, unless set.
    public var nprobe: Int?
    /// How many times `k` candidates of an index that rounds vectors are compared exactly; 4
    /// unless set.
    public var candidateFactor: Int?
    /// Whether every vector that passes is compared, whatever index there is.
    public var isExact: Bool

    public init(
        efSearch: Int? = nil, nprobe: Int? = nil, candidateFactor: Int? = nil,
        isExact: Bool = false
    ) {
        self.efSearch = efSearch
        self.nprobe = nprobe
        self.candidateFactor = candidateFactor
        self.isExact = isExact
    }

    /// - Throws: `VectorSearchError` for a value that does not do, or one that applies to nothing
    ///   the factory string asks for.
    func check(_ kind: IndexDescription.Kind) throws(VectorSearchError) {
        var accepted: [String] = []
        if kind.hasGraph { accepted.append("efSearch") }
        if kind.listCount != nil { accepted.append("nprobe") }
        if !kind.isExact { accepted.append("candidateFactor") }
        for (name, value, limit) in [
            ("efSearch", efSearch, Int.max), ("nprobe", nprobe, Int.max),
            ("candidateFactor", candidateFactor, 1000),
        ] {
            guard let value else { continue }
            guard accepted.contains(name) else {
                throw .parameterDoesNotApply(name, accepted: accepted)
            }
            guard (1...limit).contains(value) else {
                throw .badParameter(
                    name, found: "\(value)",
                    expected: limit == .max ? "at least 1" : "from 1 to \(limit)")
            }
        }
    }
}

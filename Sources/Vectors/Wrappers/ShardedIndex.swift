/// Several indexes that are searched as one.
///
/// Each holds a part of the vectors. What it finds is what one index of all of them finds, if the
/// shards are trained alike or need no training.
///
/// ```swift
/// let all = try ShardedIndex([monday, tuesday], labels: .successive)
/// ```
public struct ShardedIndex: VectorIndex {
    /// How vectors are labelled.
    public enum Labels: Sendable, Hashable {
        /// Each shard numbers its own from 0; the numbers of the shards before are added.
        case successive
        /// Each shard has the labels of the whole.
        case own
    }

    public private(set) var shards: [any VectorIndex]
    public let labels: Labels
    public let dimension: Int
    public let metric: Metric

    /// - Throws: `IndexChangeError` unless there are shards and all have one dimension and metric.
    public init(_ shards: [any VectorIndex], labels: Labels) throws {
        guard let first = shards.first else {
            throw IndexChangeError.incompatible("there is no shard; give at least one")
        }
        try IndexSet.check(shards)
        self.shards = shards
        self.labels = labels
        dimension = first.dimension
        metric = first.metric
    }

    public var count: Int { shards.reduce(0) { $0 + $1.count } }
    public var isTrained: Bool { shards.allSatisfy(\.isTrained) }

    public var acceptedParameters: Set<SearchParameters.Name> { IndexSet.parameters(shards) }

    /// What is added to the labels of each shard.
    private var shifts: [Int64] {
        guard labels == .successive else { return shards.map { _ in 0 } }
        return shards.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int64($1.count)) }.dropLast()
    }

    private func parameters(_ parameters: SearchParameters, shift: Int64) -> SearchParameters {
        guard shift != 0, let selector = parameters.selector else { return parameters }
        var parameters = parameters
        parameters.selector = selector.shifted(by: shift)
        return parameters
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let found = try zip(shards, shifts).map { shard, shift in
            try shard.search(
                queries, k: k, parameters: self.parameters(parameters, shift: shift))
        }
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            var top = TopK(min(k, count), metric)
            for (part, shift) in zip(found, shifts) {
                for place in query * k..<(query + 1) * k where part.labels[place] != -1 {
                    top.offer(part.distances[place], part.labels[place] + shift)
                }
            }
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        let found = try zip(shards, shifts).map { shard, shift in
            try shard.rangeSearch(
                queries, radius: radius, parameters: self.parameters(parameters, shift: shift))
        }
        var hits = RangeHits()
        for query in 0..<queries.count {
            var all: [(distance: Float, label: Int64)] = []
            for (part, shift) in zip(found, shifts) {
                for place in part.limits[query]..<part.limits[query + 1] {
                    all.append((part.distances[place], part.labels[place] + shift))
                }
            }
            hits.append(all)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        for (shard, shift) in zip(shards, shifts) {
            if labels == .own {
                do { return try shard.reconstruct(id) } catch VectorSearchError.noSuchID {
                    continue
                }
            }
            if id >= shift, id < shift + Int64(shard.count) {
                return try shard.reconstruct(id - shift)
            }
        }
        throw VectorSearchError.noSuchID(id)
    }

    // MARK: Changes

    /// Divides the vectors among the shards, as equally as can be and in their order.
    ///
    /// Shards that number their vectors are filled once: later additions would change numbers that
    /// were given out.
    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        guard labels == .own || ids == nil else {
            throw TrainingError.idsNotSupported("a sharded index of successive labels")
        }
        guard labels == .own || count == 0 else {
            throw IndexChangeError.refused(
                "take more vectors after the first ones",
                by: "a sharded index of successive labels",
                remedy: "add to an index that becomes a further shard, or use own labels")
        }
        let first = Int64(count)
        let all = ids ?? (0..<Int64(vectors.count)).map { first + $0 }
        var grown = shards
        for number in shards.indices {
            let part =
                vectors.count * number / shards.count..<vectors.count * (number + 1) / shards.count
            try grown[number].add(
                vectors.rows(part), withIDs: labels == .own ? Array(all[part]) : nil,
                progress: progress)
        }
        shards = grown
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        var (rest, removed) = (shards, 0)
        for (number, shift) in shifts.enumerated() {
            removed += try rest[number].remove(shift == 0 ? selector : selector.shifted(by: shift))
        }
        shards = rest
        return removed
    }

    public mutating func clear() throws {
        var emptied = shards
        for number in shards.indices { try emptied[number].reset() }
        shards = emptied
    }

    public var parameterRanges: [ParameterRange] {
        shards[0].parameterRanges.filter { range in
            shards.dropFirst().allSatisfy { $0.parameterRanges.contains(range) }
        }
    }

    public var innerIndexes: [(role: String, index: any VectorIndex)] {
        shards.map { ("shard", $0) }
    }

    public func write(to writer: inout IndexWriter) throws {
        throw IndexChangeError.refused(
            "go into one file", by: "a sharded index", remedy: "write each shard, or merge them")
    }
}

/// What sets of indexes that are searched as one have to agree on.
enum IndexSet {
    static func check(_ indexes: [any VectorIndex]) throws(IndexChangeError) {
        for index in indexes.dropFirst() {
            guard index.dimension == indexes[0].dimension else {
                throw .incompatible(
                    "one holds vectors of \(indexes[0].dimension) components, another of "
                        + "\(index.dimension)")
            }
            guard index.metric == indexes[0].metric else {
                throw .incompatible(
                    "one compares by \(indexes[0].metric), another by \(index.metric)")
            }
        }
    }

    /// The parameters that every one of them takes.
    static func parameters(_ indexes: [any VectorIndex]) -> Set<SearchParameters.Name> {
        indexes.dropFirst().reduce(indexes.first?.acceptedParameters ?? []) {
            $0.intersection($1.acceptedParameters)
        }
    }
}

/// Copies of one index that share the queries of a search.
///
/// As values copies share their memory until one is changed; copies of their own are worth it where
/// each lies in another file, or in memory near other processors.
public struct ReplicatedIndex: VectorIndex {
    public private(set) var replicas: [any VectorIndex]
    public let dimension: Int
    public let metric: Metric

    /// - Throws: `IndexChangeError` unless there are replicas, and all hold as many vectors of one
    ///   dimension and metric.
    public init(_ replicas: [any VectorIndex]) throws {
        guard let first = replicas.first else {
            throw IndexChangeError.incompatible("there is no replica; give at least one")
        }
        try IndexSet.check(replicas)
        for replica in replicas where replica.count != first.count {
            throw IndexChangeError.incompatible(
                "one replica holds \(first.count) vectors, another \(replica.count)")
        }
        self.replicas = replicas
        dimension = first.dimension
        metric = first.metric
    }

    private var first: any VectorIndex { replicas[0] }

    public var count: Int { first.count }
    public var isTrained: Bool { replicas.allSatisfy(\.isTrained) }
    public var acceptedParameters: Set<SearchParameters.Name> { IndexSet.parameters(replicas) }

    /// Gives each replica a part of the queries, on a thread of its own.
    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let replicas = replicas
        let parts = try QueryThreads.map(replicas.count, threads: replicas.count) { numbers in
            try numbers.map { number in
                let part =
                    queries.count * number / replicas.count..<queries.count * (number + 1)
                    / replicas.count
                return try replicas[number].search(
                    queries.rows(part), k: k, parameters: parameters)
            }
        }
        return Neighbors(joining: parts.flatMap { $0 }, k: k)
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        try first.rangeSearch(queries, radius: radius, parameters: parameters)
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try first.reconstruct(id) }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows { try first.reconstruct(ids) }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        try first.distances(from: query)
    }

    // MARK: Changes, made to every replica or to none

    private mutating func change<Result>(
        _ body: (inout any VectorIndex) throws -> Result
    ) throws -> Result {
        var changed = replicas
        let result = try body(&changed[0])
        for number in changed.indices.dropFirst() { _ = try body(&changed[number]) }
        replicas = changed
        return result
    }

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        try change { try $0.append(vectors, ids: ids, progress: progress) }
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        try change { try $0.delete(selector) }
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        try change { try $0.replace(ids, with: vectors) }
    }

    public mutating func clear() throws { try change { try $0.clear() } }

    public mutating func mapLabels(_ kind: DirectMapKind) throws {
        try change { try $0.mapLabels(kind) }
    }

    public var renumbersOnRemoval: Bool { first.renumbersOnRemoval }
    public var codeByteCount: Int? { first.codeByteCount }

    public func codes(of vectors: VectorRows) throws -> [UInt8] { try first.codes(of: vectors) }

    public func vectors(of codes: [UInt8]) throws -> VectorRows { try first.vectors(of: codes) }

    public var parameterRanges: [ParameterRange] { first.parameterRanges }

    public var innerIndexes: [(role: String, index: any VectorIndex)] {
        replicas.map { ("replica", $0) }
    }

    /// Writes one of the replicas.
    public func write(to writer: inout IndexWriter) throws { try first.write(to: &writer) }
}

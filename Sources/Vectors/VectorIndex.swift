/// A set of float vectors that can be searched.
///
/// Every type of Faiss's index files has a type of its own here, with the same fields, so that a
/// file that was read can be written back byte for byte. Indexes are values.
///
/// ```swift
/// let index = try IndexFile.read("passages.faiss").vectorIndex
/// let found = try index.search(VectorRows(queries, dimension: 384), k: 10)
/// ```
public protocol VectorIndex: Sendable {
    /// Components of a vector.
    var dimension: Int { get }
    /// How many vectors the index holds.
    var count: Int { get }
    var metric: Metric { get }
    var isTrained: Bool { get }

    /// The search parameters that this index, or one inside it, looks at.
    var acceptedParameters: Set<SearchParameters.Name> { get }

    /// The `k` nearest of each query. Callers use `search`, which checks its arguments first.
    func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors

    /// The `k` nearest of each query, on some threads; by default they share out the queries.
    func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters, threads: Int
    ) throws -> Neighbors

    /// All vectors within a radius. Callers use `rangeSearch`, which checks its arguments first.
    func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits

    /// The vector of an id, as well as the index still knows it.
    func reconstruct(_ id: Int64) throws -> [Float]

    /// The vectors of some labels.
    func reconstruct(_ ids: [Int64]) throws -> VectorRows

    /// Distances from a query to vectors by position, for graphs and for refining.
    func distances(from query: [Float]) throws -> any QueryDistances

    /// Adds vectors. Callers use `add`, which checks its arguments first.
    mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?) throws

    /// Removes vectors and says how many. Callers use `remove`.
    mutating func delete(_ selector: IDSelector) throws -> Int

    /// Puts other vectors under labels. Callers use `update`, which checks its arguments first.
    mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws

    /// Gives every vector that has a label of its own another one. ID maps use it.
    mutating func relabel(_ change: (Int64) -> Int64) throws

    /// Takes over vectors. Callers use `merge`, which checks first that the indexes match.
    mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws

    /// Forgets all vectors. Callers use `reset`.
    mutating func clear() throws

    /// Changes the direct map. Callers use `setDirectMap`.
    mutating func mapLabels(_ kind: DirectMapKind) throws

    /// Moves inverted lists into a file. Callers use `moveLists`.
    mutating func relocateLists(_ path: String) throws

    /// Whether vectors are numbered in order, without gaps after a removal.
    var renumbersOnRemoval: Bool { get }

    /// Bytes of a code as `encode` gives it; nil for types without a codec.
    var codeByteCount: Int? { get }

    /// The codes of vectors. Callers use `encode`, which checks its arguments first.
    func codes(of vectors: VectorRows) throws -> [UInt8]

    /// The vectors of codes. Callers use `decode`, which checks its arguments first.
    func vectors(of codes: [UInt8]) throws -> VectorRows

    /// The search parameters that trade time for recall, and the values worth trying.
    var parameterRanges: [ParameterRange] { get }

    /// Numbers and words beyond the common ones that describe the index; see `IndexSummary`.
    var facts: [(String, String)] { get }

    /// The indexes that this one uses, and what each is to it.
    var innerIndexes: [(role: String, index: any VectorIndex)] { get }

    /// Writes the index as Faiss does.
    func write(to writer: inout IndexWriter) throws
}

extension VectorIndex {
    /// Finds the `k` nearest vectors of each query, nearest first.
    ///
    /// Equal distances are ordered by label. Where fewer than `k` are found, label −1 stands
    /// beside `Metric.missingDistance`; so it does for a query that is not a number.
    /// - Parameter threads: how many share the queries; results do not depend on it.
    /// - Throws: `VectorSearchError` if the queries have another dimension, the index is not
    ///   trained, or a parameter does not apply to it.
    public func search(
        _ queries: VectorRows, k: Int, parameters: SearchParameters = SearchParameters(),
        threads: Int = 1
    ) throws -> Neighbors {
        try check(queries, parameters)
        try SearchLimits.check(k: k, queryCount: queries.count)
        guard k > 0, queries.count > 0 else {
            return Neighbors(queryCount: queries.count, k: k, metric: metric)
        }
        try parameters.limit?.check()
        if parameters.limit != nil, queries.count > SearchLimit.queriesAtOnce {
            // Between the parts is time to look at the limit.
            let parts = try stride(from: 0, to: queries.count, by: SearchLimit.queriesAtOnce).map {
                let end = min(queries.count, $0 + SearchLimit.queriesAtOnce)
                return try search(
                    queries.rows($0..<end), k: k, parameters: parameters, threads: threads)
            }
            return Neighbors(joining: parts, k: k)
        }
        var neighbors = try nearest(queries, k: k, parameters: parameters, threads: threads)
        if metric != .nanEuclidean && metric != .gower {
            // Nothing is near to what is not a number, whatever a graph or a table makes of it.
            for query in 0..<queries.count where queries.isNotANumber(query) {
                neighbors.clear(query: query, metric: metric)
            }
        }
        return neighbors
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters, threads: Int
    ) throws -> Neighbors {
        guard threads > 1, queries.count > 1 else {
            return try nearest(queries, k: k, parameters: parameters)
        }
        let parts = try QueryThreads.map(queries.count, threads: threads) { part in
            try nearest(queries.rows(part), k: k, parameters: parameters)
        }
        return Neighbors(joining: parts, k: k)
    }

    /// Finds every vector nearer than a radius: distance < radius, or similarity > radius.
    ///
    /// The hits of a query are ordered by label.
    public func rangeSearch(
        _ queries: VectorRows, radius: Float, parameters: SearchParameters = SearchParameters()
    ) throws -> RangeHits {
        try check(queries, parameters)
        return try within(radius, of: queries, parameters: parameters)
    }

    private func check(_ queries: VectorRows, _ parameters: SearchParameters) throws {
        guard queries.dimension == dimension else {
            throw VectorSearchError.wrongDimension(found: queries.dimension, expected: dimension)
        }
        guard isTrained else { throw VectorSearchError.notTrained }
        try parameters.check(against: acceptedParameters)
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        throw VectorSearchError.unsupported("range search", by: "\(Self.self)")
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        throw VectorSearchError.unsupported("reconstruction", by: "\(Self.self)")
    }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        throw VectorSearchError.unsupported("distances by position", by: "\(Self.self)")
    }
}

/// Distances from one query to vectors by their position in an index.
public protocol QueryDistances: AnyObject {
    /// Writes the distance of each position; larger is nearer for similarities.
    ///
    /// - Precondition: positions are within the index.
    func fill(
        _ distances: UnsafeMutablePointer<Float>, positions: UnsafeBufferPointer<Int32>)
}

extension QueryDistances {
    func distance(_ position: Int32) -> Float {
        var distance: Float = 0
        withUnsafePointer(to: position) { pointer in
            fill(&distance, positions: UnsafeBufferPointer(start: pointer, count: 1))
        }
        return distance
    }
}

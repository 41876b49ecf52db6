extension VectorIndex {
    /// The codes of some vectors as they would be stored, one after the other.
    ///
    /// As Faiss's `sa_encode`: with inverted lists the number of the list comes first, in as few
    /// bytes as hold all of them, lowest byte first.
    /// - Throws: `IndexChangeError` for types without a codec, `TrainingError` for vectors of
    ///   another dimension or that are not finite.
    public func encode(_ vectors: VectorRows) throws -> [UInt8] {
        guard isTrained else { throw TrainingError.notTrained("the index") }
        try vectors.check(dimension: dimension)
        return try codes(of: vectors)
    }

    /// The vectors that codes stand for, as well as codes can; Faiss's `sa_decode`.
    ///
    /// - Throws: `IndexChangeError` for types without a codec and for parts of codes.
    public func decode(_ codes: [UInt8]) throws -> VectorRows {
        guard isTrained else { throw TrainingError.notTrained("the index") }
        guard let size = codeByteCount else { throw Self.hasNoCodec }
        guard size > 0, codes.count.isMultiple(of: size) else {
            throw IndexChangeError.wrongCodeSize(found: codes.count, expected: size)
        }
        return try vectors(of: codes)
    }

    public var codeByteCount: Int? { nil }

    public func codes(of vectors: VectorRows) throws -> [UInt8] { throw Self.hasNoCodec }

    public func vectors(of codes: [UInt8]) throws -> VectorRows { throw Self.hasNoCodec }

    static var hasNoCodec: IndexChangeError {
        .refused(
            "encode vectors by themselves", by: "\(Self.self)",
            remedy: "use an index of codes, such as SQ8 or PQ8")
    }

    /// The vectors of some labels: `[ids, dimension]`.
    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        VectorRows(checked: try ids.flatMap { try reconstruct($0) }, dimension: dimension)
    }

    /// The vectors of labels 0 up to `count`, where vectors are numbered.
    ///
    /// - Throws: `VectorSearchError.noSuchID` where labels are others.
    public func reconstructAll() throws -> VectorRows {
        try reconstruct((0..<Int64(count)).map { $0 })
    }

    /// The nearest vectors of each query, and these vectors as the index still knows them.
    ///
    /// - Returns: what `search` finds, and a row for each place; components that are not numbers
    ///   where nothing was found.
    public func searchAndReconstruct(
        _ queries: VectorRows, k: Int, parameters: SearchParameters = SearchParameters(),
        threads: Int = 1
    ) throws -> (neighbors: Neighbors, vectors: VectorRows) {
        let found = try search(queries, k: k, parameters: parameters, threads: threads)
        let labels = Array(Set(found.labels.filter { $0 >= 0 }))
        let rows = try reconstruct(labels)
        var places: [Int64: Int] = [:]
        for (place, label) in labels.enumerated() { places[label] = place }
        let nothing = [Float](repeating: .nan, count: dimension)
        let values = found.labels.flatMap { label in places[label].map { rows.row($0) } ?? nothing }
        return (found, VectorRows(checked: values, dimension: dimension))
    }

    /// The labels of the nearest vectors of each row, `[rows, k]`; −1 where there is none.
    public func assign(_ vectors: VectorRows, k: Int = 1) throws -> [Int64] {
        try search(vectors, k: k).labels
    }
}

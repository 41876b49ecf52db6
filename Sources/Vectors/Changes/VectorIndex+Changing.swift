extension VectorIndex {
    /// Adds vectors behind those that are there.
    ///
    /// ```swift
    /// guard var index = try IndexFile.read("passages.faiss").vectorIndex else { return }
    /// try index.add(rows)
    /// try IndexFile.vectors(index).write("passages.faiss")
    /// ```
    /// - Parameters:
    ///   - ids: labels of the vectors, for inverted lists and ID maps; nil to number them from
    ///     `count` on. Labels that are there already are not looked for, as in Faiss.
    ///   - progress: called as a graph grows.
    /// - Throws: `TrainingError` for vectors of another dimension or with components that are not
    ///   finite, and for labels where vectors are numbered; `IndexChangeError` where a type does
    ///   not grow, or is not able to encode. The index is then as it was.
    public mutating func add(
        _ vectors: VectorRows, withIDs ids: [Int64]? = nil,
        progress: TrainingProgressHandler? = nil
    ) throws {
        guard isTrained else { throw TrainingError.notTrained("the index") }
        try vectors.check(dimension: dimension)
        if let ids, ids.count != vectors.count {
            throw TrainingError.wrongIDCount(found: ids.count, expected: vectors.count)
        }
        try append(vectors, ids: ids, progress: progress)
    }

    /// Removes the vectors whose labels a selector contains.
    ///
    /// What becomes of the others is as in Faiss: types that number their vectors close the gaps, so
    /// that later ones get smaller numbers; inverted lists put the last vector of a list into the
    /// gap and keep labels; ID maps keep their labels. Graphs cannot lose vectors.
    /// - Returns: how many were removed.
    /// - Throws: `IndexChangeError`, with what to do instead.
    @discardableResult
    public mutating func remove(_ selector: IDSelector) throws -> Int { try delete(selector) }

    /// Puts other vectors under labels that are there: inverted lists with a direct map.
    ///
    /// - Throws: `VectorSearchError.noSuchID` for a label that is not there, and
    ///   `IndexChangeError` for one given twice and for types without such a map; see
    ///   `setDirectMap`. The index is then as it was.
    public mutating func update(_ ids: [Int64], with vectors: VectorRows) throws {
        try vectors.check(dimension: dimension)
        guard ids.count == vectors.count else {
            throw TrainingError.wrongIDCount(found: ids.count, expected: vectors.count)
        }
        var seen: Set<Int64> = []
        for id in ids where !seen.insert(id).inserted { throw IndexChangeError.repeatedID(id) }
        try replace(ids, with: vectors)
    }

    /// Takes over the vectors of another index of the same type, trained alike.
    ///
    /// - Parameter shift: added to the other's labels; 0 for types that number their vectors, whose
    ///   numbers go on.
    /// - Throws: `IndexChangeError` where the two differ in more than what they hold.
    public mutating func merge(
        from other: any VectorIndex, shiftingIDs shift: Int64 = 0
    ) throws {
        try checkMergeable(with: other)
        try absorb(other, shiftingIDs: shift)
    }

    /// Throws unless two indexes are equal once their vectors are taken away.
    private func checkMergeable(with other: any VectorIndex) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is \(Self.self), the other \(type(of: other))")
        }
        guard dimension == other.dimension else {
            throw IndexChangeError.incompatible(
                "one holds vectors of \(dimension) components, the other of \(other.dimension)")
        }
        guard metric == other.metric else {
            throw IndexChangeError.incompatible(
                "one compares by \(metric), the other by \(other.metric)")
        }
        var (mine, others) = (self, other)
        try mine.clear()
        try others.clear()
        guard
            try IndexFile.vectors(mine).bytes() == IndexFile.vectors(others).bytes()
        else {
            throw IndexChangeError.incompatible(
                "their codebooks, centroids or settings differ; train one and add to copies of it")
        }
    }

    /// Forgets all vectors, but not what was learned in training.
    public mutating func reset() throws { try clear() }

    /// Changes how an index of inverted lists finds vectors by label.
    ///
    /// With a map `reconstruct` is quick and `update` works; without one the lists are searched.
    /// - Throws: `IndexChangeError` for types without inverted lists, and where `.array` is asked
    ///   for labels that are not 0, 1, 2 ….
    public mutating func setDirectMap(_ kind: DirectMapKind) throws { try mapLabels(kind) }
}

/// How inverted lists find vectors by label.
public enum DirectMapKind: UInt8, Sendable, Hashable, CaseIterable {
    /// Not at all: lists are searched.
    case none = 0
    /// By an array, for labels 0, 1, 2 …
    case array = 1
    case hashTable = 2
}

// MARK: - What types do not do

extension VectorIndex {
    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        throw IndexChangeError.refused(
            "take more vectors", by: "\(Self.self)", remedy: "build a new index of all of them")
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        throw IndexChangeError.refused(
            "lose vectors", by: "\(Self.self)",
            remedy: "search with a selector that leaves them out, or build a new index of the rest")
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        throw IndexChangeError.refused(
            "replace vectors", by: "\(Self.self)",
            remedy: "remove them and add the new ones, or use inverted lists with a direct map")
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws {
        throw IndexChangeError.refused(
            "change labels", by: "\(Self.self)", remedy: "build a new index of the rest")
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        throw IndexChangeError.refused(
            "merge", by: "\(Self.self)",
            remedy: "add the other's vectors, or search both as a ShardedIndex")
    }

    public mutating func clear() throws {
        throw IndexChangeError.refused(
            "forget its vectors", by: "\(Self.self)", remedy: "build a new index")
    }

    public mutating func mapLabels(_ kind: DirectMapKind) throws {
        throw IndexChangeError.refused(
            "map labels", by: "\(Self.self)", remedy: "only inverted lists have a direct map")
    }

    public var renumbersOnRemoval: Bool { false }
}

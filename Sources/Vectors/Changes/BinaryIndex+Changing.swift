extension BinaryIndex {
    /// Adds vectors behind those that are there.
    ///
    /// - Parameter ids: labels of the vectors, for inverted lists, hashes and ID maps; nil to number
    ///   them from `count` on. Labels that are there already are not looked for, as in Faiss.
    /// - Throws: `TrainingError` for vectors of another size, and for labels where vectors are
    ///   numbered; `IndexChangeError` where a type does not grow. The index is then as it was.
    public mutating func add(_ vectors: BinaryRows, withIDs ids: [Int64]? = nil) throws {
        guard isTrained else { throw TrainingError.notTrained("the index") }
        guard vectors.codeSize == codeSize else {
            throw TrainingError.wrongDimension(found: vectors.codeSize * 8, expected: dimension)
        }
        if let ids, ids.count != vectors.count {
            throw TrainingError.wrongIDCount(found: ids.count, expected: vectors.count)
        }
        guard !count.addingReportingOverflow(vectors.count).overflow else {
            throw TrainingError.tooManyVectors(limit: .max, index: "\(Self.self)")
        }
        try append(vectors, ids: ids)
    }

    /// Removes the vectors whose labels a selector contains.
    ///
    /// Types that number their vectors close the gaps; inverted lists, hashes and ID maps keep
    /// labels. Graphs cannot lose vectors.
    /// - Returns: how many were removed.
    /// - Throws: `IndexChangeError`, with what to do instead.
    @discardableResult
    public mutating func remove(_ selector: IDSelector) throws -> Int { try delete(selector) }

    /// Takes over the vectors of another index of the same type and settings.
    ///
    /// - Parameter shift: added to the other's labels; 0 for types that number their vectors, whose
    ///   numbers go on.
    /// - Throws: `IndexChangeError` where the two differ in more than what they hold.
    public mutating func merge(
        from other: any BinaryIndex, shiftingIDs shift: Int64 = 0
    ) throws {
        guard let other = other as? Self, dimension == other.dimension else {
            throw IndexChangeError.incompatible(
                "one is \(Self.self) of \(dimension) bits, the other \(type(of: other)) of "
                    + "\(other.dimension)")
        }
        var (mine, others) = (self, other)
        try mine.clear()
        try others.clear()
        guard try IndexFile.binary(mine).bytes() == IndexFile.binary(others).bytes() else {
            throw IndexChangeError.incompatible("their centroids or settings differ")
        }
        try absorb(other, shiftingIDs: shift)
    }

    /// Forgets all vectors, but not what was learned in training.
    public mutating func reset() throws { try clear() }

    // MARK: What types do not do

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        throw IndexChangeError.refused(
            "take more vectors", by: "\(Self.self)", remedy: "build a new index of all of them")
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        throw IndexChangeError.refused(
            "lose vectors", by: "\(Self.self)",
            remedy: "search with a selector that leaves them out, or build a new index of the rest")
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        throw IndexChangeError.refused(
            "merge", by: "\(Self.self)", remedy: "add the other's vectors")
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws {
        throw IndexChangeError.refused(
            "change labels", by: "\(Self.self)", remedy: "build a new index of the rest")
    }

    public mutating func clear() throws {
        throw IndexChangeError.refused(
            "forget its vectors", by: "\(Self.self)", remedy: "build a new index")
    }

    public var renumbersOnRemoval: Bool { false }
}

/// Throws where labels are given to a type that numbers its vectors, or asks to move them.
enum NumberedBinary {
    static func checkNoIDs(_ ids: [Int64]?, _ type: String) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported(type) }
    }

    static func checkNoShift(_ shift: Int64, _ type: String) throws {
        guard shift == 0 else {
            throw IndexChangeError.refused(
                "take labels", by: type,
                remedy: "its vectors are numbered on; merge with a shift of 0")
        }
    }
}

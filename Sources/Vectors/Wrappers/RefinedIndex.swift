/// A fast index whose candidates a more exact one compares again.
public struct RefinedIndex: HeaderedIndex, ReadableIndex {
    private(set) var header: IndexHeader
    private var base: any VectorIndex
    private var refinement: any VectorIndex
    private let kFactor: Float
    /// Candidates of all queries that are held at once.
    private static let candidateLimit = 1 << 20

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        base = try IndexTypes.read("base_index", &reader)
        refinement = try IndexTypes.read("refine_index", &reader)
        kFactor = try reader.f32("k_factor")
        for (name, index) in [("base_index", base), ("refine_index", refinement)] {
            try reader.require(
                index.dimension == header.dimension, name + "/d", found: index.dimension,
                expected: "\(header.dimension)")
            try reader.require(
                index.count == header.count, name + "/ntotal", found: index.count,
                expected: "\(header.count)")
            try reader.require(
                index.metric == header.metric, name + "/metric_type", found: index.metric,
                expected: "\(header.metric)")
        }
        try reader.require(
            (1...1000).contains(kFactor), "k_factor", found: kFactor, expected: "from 1 to 1000")
        try reader.require(
            header.count <= Int(Int32.max), "ntotal", found: header.count,
            expected: "at most \(Int32.max)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.kFactor, .base] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let factor = Double(parameters.kFactor ?? kFactor)
        let wanted = max(1, Int(min(Double(count), (Double(k) * factor).rounded(.down))))
        var baseParameters = parameters.base ?? SearchParameters()
        baseParameters.limit = baseParameters.limit ?? parameters.limit
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        // Many queries at once are faster; their candidates need memory.
        let step = max(1, Self.candidateLimit / wanted)
        for first in stride(from: 0, to: queries.count, by: step) {
            let some = queries.rows(first..<min(queries.count, first + step))
            let candidates = try base.search(some, k: wanted, parameters: baseParameters)
            for query in 0..<some.count {
                let row = some.row(query)
                let labels = candidates.labels[query * wanted..<(query + 1) * wanted]
                // Labels of an inverted file are those of a file, and so may be anything.
                let positions = labels.compactMap {
                    $0 >= 0 && $0 < count ? Int32(truncatingIfNeeded: $0) : nil
                }
                let exact = try refinement.distances(from: row)
                var distances = [Float](repeating: 0, count: positions.count)
                positions.withUnsafeBufferPointer { exact.fill(&distances, positions: $0) }
                var top = TopK(min(k, count), metric)
                for (position, distance) in zip(positions, distances) {
                    top.offer(distance, Int64(position))
                }
                neighbors.store(top, query: first + query)
            }
        }
        return neighbors
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try refinement.reconstruct(id) }

    // MARK: Changes

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported("a refined index") }
        guard vectors.count <= Int(Int32.max) - count else {
            throw TrainingError.tooManyVectors(limit: Int(Int32.max), index: "a refined index")
        }
        // An index that does not grow says so to no vectors at all, before the other has grown.
        let none = VectorRows(checked: [], dimension: dimension)
        try base.append(none, ids: nil, progress: nil)
        try refinement.append(none, ids: nil, progress: nil)
        try base.append(vectors, ids: nil, progress: progress)
        try refinement.append(vectors, ids: nil, progress: progress)
        header.count += vectors.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        guard base.renumbersOnRemoval, refinement.renumbersOnRemoval else {
            throw IndexChangeError.refused(
                "lose vectors unless both its indexes number theirs anew", by: "a refined index",
                remedy: "search with a selector that leaves them out, or build a new index of the "
                    + "rest")
        }
        let removed = try base.delete(selector)
        _ = try refinement.delete(selector)
        header.count -= removed
        return removed
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is refined")
        }
        guard shift == 0, base.renumbersOnRemoval, refinement.renumbersOnRemoval else {
            throw IndexChangeError.refused(
                "merge unless both its indexes number their vectors", by: "a refined index",
                remedy: "add the other's vectors, or search both as a ShardedIndex")
        }
        try base.absorb(other.base, shiftingIDs: 0)
        try refinement.absorb(other.refinement, shiftingIDs: 0)
        header.count += other.count
    }

    public mutating func clear() throws {
        try base.clear()
        try refinement.clear()
        header.count = 0
    }

    public var renumbersOnRemoval: Bool {
        base.renumbersOnRemoval && refinement.renumbersOnRemoval
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        try refinement.reconstruct(ids)
    }

    /// The code of the fast index, then that of the exact one.
    public var codeByteCount: Int? {
        guard let first = base.codeByteCount, let second = refinement.codeByteCount else {
            return nil
        }
        return first + second
    }

    public func codes(of vectors: VectorRows) throws -> [UInt8] {
        guard let first = base.codeByteCount, let second = refinement.codeByteCount else {
            throw Self.hasNoCodec
        }
        let coarse = try base.codes(of: vectors)
        let fine = try refinement.codes(of: vectors)
        var codes: [UInt8] = []
        codes.reserveCapacity(coarse.count + fine.count)
        for row in 0..<vectors.count {
            codes += coarse[row * first..<(row + 1) * first]
            codes += fine[row * second..<(row + 1) * second]
        }
        return codes
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        guard let first = base.codeByteCount, let second = refinement.codeByteCount else {
            throw Self.hasNoCodec
        }
        var fine: [UInt8] = []
        for start in stride(from: first, to: codes.count, by: first + second) {
            fine += codes[start..<start + second]
        }
        return try refinement.vectors(of: fine)
    }

    public var parameterRanges: [ParameterRange] {
        [ParameterRange(.kFactor, ParameterRange.powersOfTwo(0...6), suffix: "_rf")]
            + base.parameterRanges.map { $0.inside(.base) }
    }

    public var facts: [(String, String)] { [("k_factor", "\(kFactor)")] }

    public var innerIndexes: [(role: String, index: any VectorIndex)] {
        [("candidates", base), ("refinement", refinement)]
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxRF")
        try writer.header(header)
        try base.write(to: &writer)
        try refinement.write(to: &writer)
        try writer.f32(kFactor)
    }
}

/// Inverted lists that store equal vectors once, beside the labels that share them.
public struct IVFFlatDedupIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    /// Pairs of a stored label and another one with the same vector, in the order of the file.
    private var pairs: [Int64] {
        didSet { duplicates = Self.grouped(pairs) }
    }
    private var duplicates: [Int64: [Int64]]
    var codeSize: Int { header.dimension * 4 }
    var isResidual: Bool { false }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader)
        pairs = try reader.vector("instances", of: Int64.self)
        try reader.require(
            pairs.count.isMultiple(of: 2), "instances", found: "\(pairs.count) elements",
            expected: "pairs")
        // The count of the header includes the duplicates, which are in no list.
        let stored = file.header.count - pairs.count / 2
        try file.readLists(&reader, codeSize: file.header.dimension * 4, expecting: stored)
        self.file = file
        duplicates = Self.grouped(pairs)
    }

    /// The other labels of each stored one.
    private static func grouped(_ pairs: [Int64]) -> [Int64: [Int64]] {
        var duplicates: [Int64: [Int64]] = [:]
        for place in stride(from: 0, to: pairs.count, by: 2) {
            duplicates[pairs[place], default: []].append(pairs[place + 1])
        }
        return duplicates.mapValues { $0.sorted() }
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        FloatScanner(query, metric: metric, argument: header.metricArgument)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(vector).copyMemory(from: code, byteCount: codeSize)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let probes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes[number], with: scanner(query, parameters), codeSize: codeSize, parameters,
                into: &top)
            var all = TopK(min(k, count), metric)
            for (distance, label) in top.sorted() {
                all.offer(distance, label)
                for other in duplicates[label] ?? [] { all.offer(distance, other) }
            }
            neighbors.store(all, query: number)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        throw VectorSearchError.unsupported("range search", by: "IVFFlatDedupIndex")
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) -> [UInt8] {
        vectors.values.withUnsafeBytes { Array($0) }
    }

    // MARK: Changes: labels share vectors, so lists do not say all

    private static func refusal(_ action: String) -> IndexChangeError {
        .refused(
            action, by: "IVFFlatDedupIndex",
            remedy: "build a new index of the vectors, or use IVFFlat")
    }

    private func checkUnmapped(_ action: String) throws {
        guard case .none = file.directMap else { throw Self.refusal(action + " with a direct map") }
    }

    /// Vectors that a list has already become further labels of the first that is equal.
    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        try file.checkChangeable("IVFFlatDedupIndex", givesIDs: ids != nil)
        try checkUnmapped("take more vectors")
        let lists = try file.assign(vectors)
        let rows = rows(encoding: vectors, lists: lists)
        let first = Int64(count)
        var known: [Int: [[UInt8]: Int64]] = [:]
        var added: (rows: [UInt8], ids: [Int64], lists: [Int]) = ([], [], [])
        var shared: [Int64] = []
        for (number, list) in lists.enumerated() {
            let row = Array(rows[number * codeSize..<(number + 1) * codeSize])
            let id = ids?[number] ?? first + Int64(number)
            if known[list] == nil { known[list] = stored(list) }
            if let owner = known[list]?[row] {
                shared += [owner, id]
            } else {
                known[list]?[row] = id
                added.rows += row
                added.ids.append(id)
                added.lists.append(list)
            }
        }
        file.append(added.rows, layout, ids: added.ids, to: added.lists)
        file.header.count += shared.count / 2
        pairs += shared
    }

    /// The label of each vector of a list, the first of equal ones.
    private func stored(_ list: Int) -> [[UInt8]: Int64] {
        var labels: [[UInt8]: Int64] = [:]
        for (offset, id) in file.lists.ids(list).enumerated() {
            let row = file.lists.row(offset, of: list, layout)
            if labels[row] == nil { labels[row] = id }
        }
        return labels
    }

    /// A stored label that goes leaves its vector to the first of those that share it.
    ///
    /// Faiss counts vectors that are gone, not labels; here the count is that of the labels.
    public mutating func delete(_ selector: IDSelector) throws -> Int {
        try checkUnmapped("lose vectors")
        var heirs: [Int64: Int64] = [:]
        var kept: [Int64] = []
        var removed = 0
        for place in stride(from: 0, to: pairs.count, by: 2) {
            let (owner, other) = (pairs[place], pairs[place + 1])
            if selector.contains(other) {
                removed += 1
            } else if !selector.contains(owner) {
                kept += [owner, other]
            } else if let heir = heirs[owner] {
                kept += [heir, other]
            } else {
                heirs[owner] = other
            }
        }
        let stored = file.header.count - pairs.count / 2
        // Labels of vectors that are left to others go now, and take theirs.
        let gone = heirs
        var lists = file.lists
        lists.relabel { gone[$0] ?? $0 }
        var map = file.directMap
        let heirLabels = Set(heirs.values)
        let last = try lists.remove(
            .matching { selector.contains($0) && !heirLabels.contains($0) }, layout, &map)
        file.lists = lists
        removed += last + heirs.count
        pairs = kept
        file.header.count = stored - last + kept.count / 2
        return removed
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        throw Self.refusal("replace vectors")
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws {
        file.lists.relabel(change)
        pairs = pairs.map(change)
    }

    /// Vectors that both have stay with both; each is found under all of its labels.
    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is IVFFlatDedupIndex")
        }
        try checkUnmapped("merge")
        let shared = try other.pairs.map { id in
            let sum = id.addingReportingOverflow(shift)
            guard !sum.overflow else { throw IndexChangeError.idOverflow(id, shift: shift) }
            return sum.partialValue
        }
        var lists = file.lists
        try lists.merge(
            other.file.lists, layout, shiftingIDs: shift, listCount: file.listCount)
        file.lists = lists
        file.header.count += other.count
        pairs += shared
    }

    public mutating func clear() {
        file.removeAll()
        pairs = []
    }

    public mutating func mapLabels(_ kind: DirectMapKind) throws {
        guard kind == .none else { throw Self.refusal("map labels") }
        file.directMap = .none([])
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwFd")
        try file.writeHeader(to: &writer)
        try writer.vector(pairs)
        try file.lists.write(to: &writer)
    }
}

/// The label of each position of an index that numbers its vectors itself.
struct PositionLabels: Sendable {
    private(set) var labels: [Int64]

    init(_ labels: [Int64]) { self.labels = labels }

    init(reading reader: inout IndexReader, count: Int) throws(IndexFileError) {
        labels = try reader.vector("id_map", of: Int64.self, count: count)
    }

    func write(to writer: inout IndexWriter) throws(IndexFileError) {
        try writer.vector(labels)
    }

    /// Parameters for the inner index: a selector speaks of labels, it knows positions.
    func translated(_ parameters: SearchParameters) -> SearchParameters {
        guard let selector = parameters.selector else { return parameters }
        var parameters = parameters
        parameters.selector = translated(selector)
        return parameters
    }

    /// The same choice, for an index that knows positions.
    func translated(_ selector: IDSelector) -> IDSelector { selector.translated(by: labels) }

    mutating func append(_ added: [Int64]) { labels += added }

    mutating func remove(_ selector: IDSelector) { labels.removeAll { selector.contains($0) } }

    /// The place of each position once those with labels that a selector contains are gone and the
    /// others have closed up.
    func closingUp(after selector: IDSelector) -> (Int64) -> Int64 {
        var next: Int64 = 0
        let places: [Int64] = labels.map { label in
            if selector.contains(label) { return -1 }
            next += 1
            return next - 1
        }
        return { $0 >= 0 && $0 < places.count ? places[Int($0)] : $0 }
    }

    /// All labels moved by a number.
    func shifted(by shift: Int64) throws(IndexChangeError) -> [Int64] {
        var moved: [Int64] = []
        moved.reserveCapacity(labels.count)
        for label in labels {
            let sum = label.addingReportingOverflow(shift)
            guard !sum.overflow else { throw .idOverflow(label, shift: shift) }
            moved.append(sum.partialValue)
        }
        return moved
    }

    /// The first position with each label.
    func positions(of wanted: [Int64]) throws(VectorSearchError) -> [Int64] {
        var positions: [Int64: Int64] = [:]
        let set = Set(wanted)
        for (position, label) in labels.enumerated()
        where set.contains(label) && positions[label] == nil {
            positions[label] = Int64(position)
        }
        var found: [Int64] = []
        for label in wanted {
            guard let position = positions[label] else { throw .noSuchID(label) }
            found.append(position)
        }
        return found
    }

    /// The label of a position; −1 where there is none.
    func label(_ position: Int64) -> Int64 {
        position >= 0 && position < labels.count ? labels[Int(position)] : -1
    }

    /// The hits of the inner index under their labels.
    func labelled(_ inner: RangeHits) -> RangeHits {
        var hits = RangeHits()
        for (start, end) in zip(inner.limits, inner.limits.dropFirst()) {
            hits.append((start..<end).map { (inner.distances[$0], label(inner.labels[$0])) })
        }
        return hits
    }

    /// The first position with a label.
    func position(of label: Int64) throws(VectorSearchError) -> Int64 {
        guard let position = labels.firstIndex(of: label) else { throw .noSuchID(label) }
        return Int64(position)
    }
}

/// The label of each position of an index that numbers its vectors itself.
struct PositionLabels: Sendable {
    let labels: [Int64]

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
        parameters.selector = selector.translated(by: labels)
        return parameters
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

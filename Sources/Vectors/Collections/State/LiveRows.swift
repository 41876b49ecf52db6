/// The state that operations change: of the writer, and of whoever reads a log.
///
/// Used by one thread at a time. `state` shares nothing that changes with what was taken of it
/// before, other than the rows behind the count of its last head.
final class LiveRows {
    private(set) var state: CollectionState
    /// The head that grows: the last one of the state.
    private(set) var head: Head

    init(sealed: [SegmentView], sequence: UInt64, dimension: Int) {
        head = Head(dimension: dimension)
        state = CollectionState(
            sequence: sequence, sealed: sealed, heads: [HeadView(head, deleted: RowSet(count: 0))])
    }

    /// Carries an operation out, and gives how many rows went away by it.
    func apply(_ operation: Operation, sequence: UInt64) -> Int {
        var replaced = 0
        switch operation {
        case .put(let batch):
            let dimension = head.dimension
            for (row, id) in batch.ids.enumerated() {
                if delete(id) { replaced += 1 }
                head.append(
                    id: id, vector: batch.vectors[row * dimension..<(row + 1) * dimension],
                    fields: batch.fields.isEmpty ? [] : batch.fields[row])
            }
        case .delete(let ids):
            for id in ids where delete(id) { replaced += 1 }
        case .close: break
        }
        let last = state.heads.count - 1
        state.heads[last] = HeadView(head, deleted: state.heads[last].deleted)
        state.sequence = sequence
        return replaced
    }

    /// Marks the row of an id as deleted, where there is one. At most one is not.
    private func delete(_ id: Int64) -> Bool {
        for place in state.heads.indices.reversed() {
            // Of the last head also rows that its view does not count yet.
            guard let row = state.heads[place].head.lastRow(of: id),
                !state.heads[place].deleted.contains(row)
            else { continue }
            state.heads[place].deleted.insert(row)
            return true
        }
        for place in state.sealed.indices {
            guard let row = state.sealed[place].row(of: id) else { continue }
            state.sealed[place].deleted.insert(row)
            return true
        }
        return false
    }

    /// Begins a new head; the others grow no more.
    func freezeHead() {
        head = Head(dimension: head.dimension)
        state.heads.append(HeadView(head, deleted: RowSet(count: 0)))
    }

    /// Puts a segment in the place of heads it was made of, as they were in an earlier state.
    func replaceHeads(of earlier: CollectionState, with segment: Segment?) {
        let count = earlier.heads.count
        if let segment {
            state.sealed.append(
                SegmentView(
                    segment: segment,
                    deleted: segment.rows(
                        deletedFrom: Array(state.heads.prefix(count)), since: earlier.heads)))
        }
        state.heads.removeFirst(count)
    }

    /// Puts a segment in the place of others it was made of, as they were in an earlier state.
    func replaceSegments(_ earlier: [SegmentView], with segment: Segment?) {
        state.replaceSegments(earlier, with: segment)
    }
}

extension CollectionState {
    /// Puts a segment in the place of others it was made of, as they were at another time.
    mutating func replaceSegments(_ inputs: [SegmentView], with segment: Segment?) {
        let numbers = inputs.map(\.segment.number)
        let now = numbers.compactMap { number in
            sealed.first { $0.segment.number == number }
        }
        sealed.removeAll { numbers.contains($0.segment.number) }
        if let segment {
            sealed.append(
                SegmentView(
                    segment: segment, deleted: segment.rows(deletedFrom: now, since: inputs)))
        }
    }
}

extension Segment {
    /// The rows here of those that are deleted in some parts, and were not when this was made of
    /// them.
    fileprivate func rows(
        deletedFrom parts: [some CollectionPart], since earlier: [some CollectionPart]
    ) -> RowSet {
        var rows = RowSet(count: count)
        for (part, before) in zip(parts, earlier) {
            for row in part.deleted.subtracting(before.deleted).members {
                if let place = self.row(of: part.id(of: row)) { rows.insert(place) }
            }
        }
        return rows
    }
}

/// The rows that operations change: of the writer, and of whoever reads a log.
///
/// Used by one thread at a time. Readers get what `show` gives, and that never changes, other than by
/// rows behind the count of its last head.
///
/// An array that readers had is not changed where it lies even when they are done with it: the one
/// thing that orders their last look before such a change is the reference count, whose check of
/// uniqueness is a relaxed load on some processors (`SWIFT_MEMORY_ORDER_CONSUME` in the runtime's
/// `RefCount.h`), and which no tool that looks for races can see. So `shown` owns every array that
/// was given out as long as it is here too, and a change makes a copy.
final class LiveRows {
    /// The last operation that was carried out.
    private(set) var sequence: UInt64
    private var sealed: [SegmentView]
    private var heads: [HeadView]
    /// What adds to each of `heads`; the last one does.
    private var growing: [Head]
    /// What was given out last.
    private(set) var shown: CollectionState

    init(sealed: [SegmentView], sequence: UInt64, dimension: Int) {
        self.sealed = sealed
        self.sequence = sequence
        let head = Head(dimension: dimension)
        growing = [head]
        heads = [HeadView(head, deleted: RowSet(count: 0))]
        shown = CollectionState(sequence: sequence, sealed: sealed, heads: heads)
    }

    /// The rows as they are now, for readers.
    func show() -> CollectionState {
        shown = CollectionState(sequence: sequence, sealed: sealed, heads: heads)
        return shown
    }

    /// Carries an operation out, and gives how many rows went away by it.
    func apply(_ operation: Operation, sequence: UInt64) -> Int {
        var replaced = 0
        let last = heads.count - 1
        let head = growing[last]
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
        heads[last] = HeadView(head, deleted: heads[last].deleted)
        self.sequence = sequence
        return replaced
    }

    /// Marks the row of an id as deleted, where there is one. At most one is not.
    private func delete(_ id: Int64) -> Bool {
        for place in heads.indices.reversed() {
            // Of the last head also rows that its view does not count yet.
            guard let row = growing[place].lastRow(of: id), !heads[place].deleted.contains(row)
            else { continue }
            heads[place].deleted.insert(row)
            return true
        }
        for place in sealed.indices {
            guard let row = sealed[place].row(of: id) else { continue }
            sealed[place].deleted.insert(row)
            return true
        }
        return false
    }

    /// Begins a new head; the others grow no more.
    func freezeHead() {
        let head = Head(dimension: growing[growing.count - 1].dimension)
        growing.append(head)
        heads.append(HeadView(head, deleted: RowSet(count: 0)))
    }

    /// Puts a segment in the place of heads it was made of, as they were in an earlier state.
    func replaceHeads(of earlier: CollectionState, with segment: Segment?) {
        let count = earlier.heads.count
        if let segment {
            sealed.append(
                SegmentView(
                    segment: segment,
                    deleted: segment.rows(
                        deletedFrom: Array(heads.prefix(count)), since: earlier.heads)))
        }
        heads.removeFirst(count)
        growing.removeFirst(count)
    }

    /// Puts a segment in the place of others it was made of, as they were in an earlier state.
    func replaceSegments(_ earlier: [SegmentView], with segment: Segment?) {
        sealed = sealed.replacing(earlier, with: segment)
    }
}

extension [SegmentView] {
    /// Segments without some of them, as they were at another time, and with one made of those.
    func replacing(_ inputs: [SegmentView], with segment: Segment?) -> [SegmentView] {
        let numbers = inputs.map(\.segment.number)
        let now = numbers.compactMap { number in first { $0.segment.number == number } }
        var views = filter { !numbers.contains($0.segment.number) }
        if let segment {
            views.append(
                SegmentView(
                    segment: segment, deleted: segment.rows(deletedFrom: now, since: inputs)))
        }
        return views
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

extension CollectionWriter {
    /// Puts one segment in the place of several, without their deleted rows.
    ///
    /// Readers and writers go on meanwhile; what is deleted during the merge is deleted in its
    /// result.
    func merge(
        _ numbers: [UInt64], threads: Int = 1, progress: TrainingProgressHandler? = nil
    ) throws {
        try merging.withLock {
            try requireOpen()
            let inputs = box.state.sealed.filter { numbers.contains($0.segment.number) }
            guard !inputs.isEmpty else { return }
            let merged = try write(
                SegmentBuilder(inputs, settings), isIndexed: true, threads: threads,
                progress: progress)
            try files.withLock { try install(merged, insteadOf: inputs) }
        }
    }

    private func install(_ merged: Segment?, insteadOf inputs: [SegmentView]) throws {
        // The inputs may know of operations that an interval has not brought to disk.
        try queue.exclusively { try log.sync() }
        let durable = durable.replacing(inputs, with: merged)
        var next = manifest
        let numbers = inputs.map(\.segment.number)
        var obsolete = numbers.map(FileNames.segment)
        for entry in next.segments where numbers.contains(entry.number) && entry.deletions > 0 {
            obsolete.append(
                FileNames.deletions(segment: entry.number, number: entry.deletions))
        }
        next.segments.removeAll { numbers.contains($0.number) }
        if let merged {
            let deleted = durable.last?.deleted ?? RowSet(count: merged.count)
            next.segments.append(
                Manifest.Entry(
                    number: merged.number, rows: merged.count,
                    deletions: deleted.isEmpty
                        ? 0 : try writeDeletions(deleted, segment: merged.number)))
        }
        try install(next)
        self.durable = durable
        queue.exclusively {
            rows.replaceSegments(inputs, with: merged)
            box.state = rows.show()
        }
        clear(obsolete)
    }

    /// Seals what is in memory and makes one segment of all.
    func compact(threads: Int, progress: TrainingProgressHandler?) throws {
        try requireOpen()
        try seal()
        let sealed = box.state.sealed
        guard MergePolicy.isWorthwhile(sealed, settings) else { return }
        try merge(sealed.map(\.segment.number), threads: threads, progress: progress)
    }
}

/// Which segments are merged, and when.
enum MergePolicy {
    /// So many segments of about one size become one.
    static let fanIn = 4
    /// A segment of which this part is deleted is written anew.
    static let deletedShare = 0.3

    /// The numbers of the segments to merge next, or nil.
    ///
    /// Sizes are sorted into classes that grow by `fanIn`, so that a row is rewritten about
    /// log4(rows / sealRows) times.
    static func choice(_ sealed: [SegmentView], _ settings: CollectionSettings) -> [UInt64]? {
        if let worst = sealed.first(where: { view in
            Double(view.count - view.liveCount) > deletedShare * Double(view.count)
        }) {
            return [worst.segment.number]
        }
        var classes: [Int: [UInt64]] = [:]
        for view in sealed {
            var size = settings.sealRows
            var level = 0
            while size < view.liveCount / 2 {
                let next = size.multipliedReportingOverflow(by: fanIn)
                guard !next.overflow else { break }
                (size, level) = (next.partialValue, level + 1)
            }
            classes[level, default: []].append(view.segment.number)
        }
        let full = classes.filter { $0.value.count >= fanIn }
        guard let (_, numbers) = full.min(by: { $0.key < $1.key }) else { return nil }
        let rows = sealed.filter { numbers.contains($0.segment.number) }
            .reduce(0) { $0 + $1.liveCount }
        return rows <= CollectionSettings.segmentLimit ? numbers : nil
    }

    /// Whether one segment of all would be other than what is there.
    static func isWorthwhile(_ sealed: [SegmentView], _ settings: CollectionSettings) -> Bool {
        guard sealed.count == 1, let only = sealed.first else { return sealed.count > 1 }
        guard only.deleted.isEmpty else { return true }
        guard only.segment.index == nil, let kind = try? settings.description().kind else {
            return false
        }
        return SegmentBuilder.deservesIndex(only.count, settings, kind)
    }
}

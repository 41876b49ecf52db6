extension CollectionWriter {
    /// Asks the threads in the background for what there is to do.
    func wake() {
        guard options.maintenance == .background else { return }
        if box.state.heads.contains(where: { $0.count >= settings.sealRows }) {
            sealJob.request { [self] in
                noting {
                    try seal()
                    wakeMerge()
                }
            }
        } else {
            wakeMerge()
        }
    }

    private func wakeMerge() {
        guard MergePolicy.choice(box.state.sealed, settings) != nil else { return }
        mergeJob.request { [self] in
            noting {
                while let chosen = MergePolicy.choice(box.state.sealed, settings) {
                    try merge(chosen)
                }
            }
        }
    }

    private func noting(_ work: () throws -> Void) {
        do {
            try work()
            failures.clear()
        } catch {
            failures.note(error)
        }
    }

    /// Writes the rows in memory and the deletions to files, and begins a new log.
    ///
    /// After a failure at any step everything is where it was: in the log.
    /// - Returns: whether there was anything to write.
    @discardableResult
    func seal() throws -> Bool {
        try files.withLock {
            guard let earlier = try beginLog() else { return false }
            let builder = SegmentBuilder(earlier.heads, settings)
            let segment = try write(builder, isIndexed: false)
            var next = manifest
            var obsolete: [String] = []
            for (place, entry) in next.segments.enumerated() {
                guard let now = earlier.sealed.first(where: { $0.segment.number == entry.number }),
                    let before = durable.first(where: { $0.segment.number == entry.number }),
                    now.deleted != before.deleted
                else { continue }
                if entry.deletions > 0 {
                    obsolete.append(
                        FileNames.deletions(segment: entry.number, number: entry.deletions))
                }
                next.segments[place].deletions = try writeDeletions(
                    now.deleted, segment: entry.number)
            }
            if let segment {
                next.segments.append(
                    Manifest.Entry(number: segment.number, rows: segment.count, deletions: 0))
            }
            let oldLogs = manifest.logNumbers(try folder.list())
            next.sequence = earlier.sequence
            next.firstLog = queue.exclusively { log.header.number }
            try install(next)
            queue.exclusively {
                rows.replaceHeads(of: earlier, with: segment)
                box.state = rows.show()
            }
            durable = earlier.sealed.replacing([], with: segment)
            obsolete += oldLogs.filter { $0 < next.firstLog }.map(FileNames.log)
            clear(obsolete)
            return true
        }
    }

    /// Ends the log and begins a new one; gives the state between the two, or nil if nothing
    /// happened since the manifest.
    private func beginLog() throws -> CollectionState? {
        let manifest = manifest
        return try queue.exclusively {
            let state = rows.shown
            guard state.sequence > manifest.sequence else { return nil }
            try log.sync()
            log = try LogWriter.create(
                in: folder,
                LogReader.Header(
                    mark: manifest.mark, number: takeNumber(), firstSequence: state.sequence + 1))
            rows.freezeHead()
            box.state = rows.show()
            return state
        }
    }
}

/// Reads a collection: its manifest, its segments, and the log after them.
struct CollectionLoader {
    let folder: any CollectionFolder
    let damagedLog: CollectionOptions.DamagedLog

    /// What was read.
    struct Loaded {
        let manifest: Manifest
        /// The segments as of the manifest.
        let durable: [SegmentView]
        let rows: LiveRows
        /// The last log, and what was found of it.
        let log: (header: LogReader.Header, outcome: LogReader.Outcome)
        /// Logs behind the last one, that were begun and given up, or are behind damage.
        let abandonedLogs: [UInt64]
        var report: RecoveryReport
    }

    /// How often a reader begins anew, when a writer removed what it was about to open.
    private static let attemptLimit = 20

    /// Reads a collection that another process may be changing.
    func loadBesideWriter() throws -> Loaded {
        var attempt = 1
        while true {
            do {
                return try load()
            } catch let error as CollectionError
                where error.isMissingFile && attempt < Self.attemptLimit
            {
                attempt += 1
            }
        }
    }

    func load() throws -> Loaded {
        let manifest = try Manifest.read(in: folder)
        let sealed = try manifest.segments.map { try view($0, manifest) }
        guard Set(manifest.segments.map(\.number)).count == sealed.count else {
            throw CollectionError.damaged(
                folder.path(of: FileNames.manifest), "manifest", found: "a segment is there twice")
        }
        let rows = LiveRows(
            sealed: sealed, sequence: manifest.sequence, dimension: manifest.settings.dimension)
        let numbers = manifest.logNumbers(try folder.list())
        guard numbers.first == manifest.firstLog else {
            throw CollectionError(folder.path, .missing(FileNames.log(manifest.firstLog)))
        }
        let logs = try numbers.map { try OpenLog($0, folder, mark: manifest.mark) }
        var report = RecoveryReport()
        var last: (place: Int, outcome: LogReader.Outcome)?
        for (place, log) in logs.enumerated() {
            if log.header.firstSequence != rows.sequence + 1 {
                // A log that was begun and given up again, before anything was written to it.
                if log.isEmpty && place > 0 { continue }
                throw CollectionError.damaged(
                    log.path, "head of the log",
                    found: "it begins with operation \(log.header.firstSequence) instead of "
                        + "\(rows.sequence + 1)")
            }
            let outcome = try replay(
                log, manifest, durable: Self.durableEnd(before: logs[(place + 1)...]), into: rows,
                &report)
            last = (place, outcome)
            // Behind damage that is cut, nothing holds.
            if outcome.isDamaged { break }
        }
        guard let last else {
            throw CollectionError(folder.path, .missing(FileNames.log(manifest.firstLog)))
        }
        report.cutBytes = last.outcome.cutBytes
        if last.outcome.isDamaged {
            report.isLogCutAtDamage = true
            report.droppedOperations = last.outcome.droppedOperations
        }
        return Loaded(
            manifest: manifest, durable: sealed, rows: rows,
            log: (logs[last.place].header, last.outcome),
            abandonedLogs: Array(numbers[(last.place + 1)...]), report: report)
    }

    /// The last operation that later logs know to have been on disk in the log before them; 0 where
    /// there are none.
    ///
    /// The next one begins behind it. One without records may have been given up again, so that
    /// operations went on before it; then those after it tell as well.
    private static func durableEnd(before logs: ArraySlice<OpenLog>) -> UInt64 {
        var end: UInt64 = 0
        for log in logs {
            end = max(end, log.header.firstSequence - 1)
            if !log.isEmpty { break }
        }
        return end
    }

    /// A log whose head holds.
    private struct OpenLog {
        let header: LogReader.Header
        let contents: any FileContents
        let path: String

        var isEmpty: Bool { contents.bytes.count == LogReader.Header.byteCount }

        init(_ number: UInt64, _ folder: any CollectionFolder, mark: UInt64) throws {
            let name = FileNames.log(number)
            path = folder.path(of: name)
            contents = try folder.contents(name)
            header = try LogReader.Header(contents.bytes, path: path)
            guard header.mark == mark, header.number == number,
                (1..<Manifest.numberLimit).contains(header.firstSequence)
            else {
                throw CollectionError.damaged(
                    path, "head of the log",
                    found: header.mark != mark
                        ? "it belongs to another collection"
                        : "it is of log \(header.number) from operation \(header.firstSequence) on")
            }
        }
    }

    private func view(_ entry: Manifest.Entry, _ manifest: Manifest) throws -> SegmentView {
        let name = FileNames.segment(entry.number)
        let segment = try Segment(
            folder.contents(name), number: entry.number, path: folder.path(of: name),
            manifest.settings)
        guard segment.count == entry.rows else {
            throw CollectionError.damaged(
                folder.path(of: name), "section 'rows'",
                found: "\(segment.count) rows; the manifest says \(entry.rows)")
        }
        guard entry.deletions > 0 else {
            return SegmentView(segment: segment, deleted: RowSet(count: segment.count))
        }
        let deletions = FileNames.deletions(segment: entry.number, number: entry.deletions)
        let contents = try folder.contents(deletions)
        let outcome = Result { () throws(CollectionError) in
            try DeletionFile.decode(
                contents.bytes, path: folder.path(of: deletions), segment: entry.number,
                number: entry.deletions, count: segment.count)
        }
        try contents.checkIntact()
        return SegmentView(segment: segment, deleted: try outcome.get())
    }

    /// - Parameter durable: an operation that was on disk, as later logs know.
    private func replay(
        _ log: OpenLog, _ manifest: Manifest, durable: UInt64, into rows: LiveRows,
        _ report: inout RecoveryReport
    ) throws -> LogReader.Outcome {
        let reader = LogReader(
            path: log.path, bytes: log.contents.bytes, header: log.header,
            dimension: manifest.settings.dimension, columns: manifest.settings.columns,
            durable: durable, cutsAtDamage: damagedLog == .cutAtDamage)
        var count = 0
        let outcome = Result {
            try reader.forEach { sequence, operation in
                _ = rows.apply(operation, sequence: sequence)
                count += 1
            }
        }
        // A file cut short reads as zeros: that is the cause, whatever was made of it.
        try log.contents.checkIntact()
        report.replayedOperations += count
        return try outcome.get()
    }
}

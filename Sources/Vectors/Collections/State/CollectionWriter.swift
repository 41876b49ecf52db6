/// What changes a collection. There is one for a folder, in one process.
///
/// Three locks, always taken in this order: `merging` for the time of a merge, `files` while the
/// manifest changes, and the lead of `queue`. The fields say which one they belong to.
final class CollectionWriter: @unchecked Sendable {
    let folder: any CollectionFolder
    let settings: CollectionSettings
    let options: CollectionOptions
    let box: StateBox
    let queue = CommitQueue()
    let merging = Monitor()
    let files = Monitor()
    /// Held until the collection is closed; under the lead of `queue`.
    private var lock: (any Sendable)?

    /// Under the lead of `queue`.
    let rows: LiveRows
    var log: LogWriter
    private var isClosed = false
    private var hasWritten = false
    private var lastSync = ContinuousClock.now

    /// Under `files`.
    var manifest: Manifest
    /// The segments as of the manifest.
    var durable: [SegmentView]

    private let numbers = Monitor()
    private var nextNumber: UInt64

    let failures = FailureNote()
    let sealJob = BackgroundJob()
    let mergeJob = BackgroundJob()

    /// Makes a collection in an empty folder.
    static func create(
        in folder: any CollectionFolder, _ settings: CollectionSettings,
        _ options: CollectionOptions
    ) throws -> CollectionWriter {
        try settings.check()
        let lock = try folder.lock()
        // Drafts are of an attempt that came to nothing.
        guard
            try folder.list().allSatisfy({
                $0 == FileNames.lock || $0.hasSuffix(FileNames.draftSuffix)
                    || $0 == FileNames.log(1)
            })
        else { throw CollectionError(folder.path, .alreadyThere) }
        var generator = SystemRandomNumberGenerator()
        let manifest = Manifest(
            mark: generator.next(), settings: settings, firstLog: 1, nextNumber: 2)
        let log = try LogWriter.create(
            in: folder,
            LogReader.Header(mark: manifest.mark, number: manifest.firstLog, firstSequence: 1))
        try folder.replace(FileNames.manifest, with: try manifest.encoded())
        let rows = LiveRows(sealed: [], sequence: 0, dimension: settings.dimension)
        return CollectionWriter(
            folder, lock, manifest, options, rows, log, durable: [], nextNumber: 2)
    }

    /// Opens a collection, clears away what was not finished, and says what it found.
    static func open(
        _ folder: any CollectionFolder, _ options: CollectionOptions
    ) throws -> (CollectionWriter, RecoveryReport) {
        // A folder without a manifest gets no lock.
        _ = try Manifest.read(in: folder)
        let lock = try folder.lock()
        let loaded = try CollectionLoader(folder: folder, damagedLog: options.damagedLog).load()
        var report = loaded.report
        if loaded.log.outcome.isDamaged { try keepDamaged(loaded, folder) }
        let log = try LogWriter.resume(in: folder, loaded.log.header, loaded.log.outcome)
        let names = try folder.list()
        var kept = loaded.manifest.fileNames
        kept.formUnion(
            loaded.manifest.logNumbers(names).filter { !loaded.abandonedLogs.contains($0) }
                .map(FileNames.log))
        for name in names where !kept.contains(name) {
            guard FileNames.numbers(in: name) != nil || name.hasSuffix(FileNames.draftSuffix)
            else { continue }
            try folder.remove(name)
            report.removedFiles.append(name)
        }
        let largest =
            names.compactMap { FileNames.numbers(in: $0)?.first }
            .filter { $0 < Manifest.numberLimit }.max() ?? 0
        let writer = CollectionWriter(
            folder, lock, loaded.manifest, options, loaded.rows, log, durable: loaded.durable,
            nextNumber: max(loaded.manifest.nextNumber, largest + 1))
        writer.wake()
        return (writer, report)
    }

    /// Puts copies of logs that are about to be cut beside them.
    private static func keepDamaged(
        _ loaded: CollectionLoader.Loaded, _ folder: any CollectionFolder
    ) throws {
        for number in [loaded.log.header.number] + loaded.abandonedLogs {
            let name = FileNames.log(number)
            let contents = try folder.contents(name)
            let copy = name + ".damaged"
            if try folder.list().contains(copy) { try folder.remove(copy) }
            try folder.write([.bytes(Array(contents.bytes))], to: copy)
            try contents.checkIntact()
        }
        try folder.sync()
    }

    private init(
        _ folder: any CollectionFolder, _ lock: any Sendable, _ manifest: Manifest,
        _ options: CollectionOptions, _ rows: LiveRows, _ log: LogWriter,
        durable: [SegmentView], nextNumber: UInt64
    ) {
        self.folder = folder
        self.lock = lock
        self.manifest = manifest
        self.options = options
        self.rows = rows
        self.log = log
        self.durable = durable
        self.nextNumber = nextNumber
        settings = manifest.settings
        box = StateBox(rows.show())
    }

    /// A number that no file had.
    func takeNumber() -> UInt64 {
        numbers.withLock {
            defer { nextNumber += 1 }
            return nextNumber
        }
    }

    /// The number after the last one taken.
    var followingNumber: UInt64 { numbers.withLock { nextNumber } }

    // MARK: Operations

    /// Writes an operation to the log, carries it out and shows it to readers, in this order.
    func commit(_ operation: Operation) throws -> CommitOutcome {
        let payload = try operation.encoded()
        guard payload.count <= CollectionSettings.recordLimit else {
            throw CollectionError(
                folder.path,
                .refused(
                    "the size of one operation", found: "\(payload.count) bytes",
                    expected: "at most \(CollectionSettings.recordLimit); give it in parts"))
        }
        let outcome = try queue.commit(CommitQueue.Request(operation, payload), lead)
        if isHeadFull { wake() }
        return outcome
    }

    private var isHeadFull: Bool {
        box.state.heads.last.map { $0.count >= settings.sealRows } ?? false
    }

    private func lead(
        _ group: [CommitQueue.Request]
    ) -> [Result<CommitOutcome, CollectionError>] {
        do {
            try checkOpen()
            try log.append(group.map(\.payload), isDurable: options.durability == .everyCommit)
        } catch {
            return group.map { _ in .failure(error) }
        }
        hasWritten = true
        let outcomes = group.map { request -> Result<CommitOutcome, CollectionError> in
            let sequence = rows.sequence + 1
            return .success(
                CommitOutcome(
                    sequence: sequence, replaced: rows.apply(request.operation, sequence: sequence)
                ))
        }
        box.state = rows.show()
        if case .interval(let milliseconds) = options.durability,
            ContinuousClock.now - lastSync >= .milliseconds(milliseconds)
        {
            // A failure is kept by the log, which takes nothing more then.
            syncIfNeeded()
        }
        return outcomes
    }

    private func syncIfNeeded() {
        lastSync = .now
        do { try log.sync() } catch { failures.note(error) }
    }

    /// Brings to disk what an interval has left; called by the thread of the interval.
    func syncAfterInterval() { queue.exclusively { if !isClosed { syncIfNeeded() } } }

    /// Brings every operation that returned to disk.
    func sync() throws(CollectionError) {
        let outcome = queue.exclusively {
            Result { () throws(CollectionError) in
                try checkOpen()
                try log.sync()
            }
        }
        try outcome.get()
    }

    private func checkOpen() throws(CollectionError) {
        if isClosed { throw CollectionError(folder.path, .closed) }
    }

    func requireOpen() throws { try queue.exclusively { try checkOpen() } }

    /// Ends the work: waits for that in the background, and closes the log in order.
    func close() throws {
        sealJob.stop()
        mergeJob.stop()
        try queue.exclusively {
            guard !isClosed else { return }
            isClosed = true
            defer { lock = nil }
            guard hasWritten else { return }
            try log.sync()
            try log.append([try Operation.close.encoded()], isDurable: true)
        }
    }

    /// The operation count and bytes of the log that grows.
    var logLength: Int { queue.exclusively { log.length } }
}

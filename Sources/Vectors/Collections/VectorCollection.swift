/// Vectors with ids and fields that are added, replaced, deleted and searched at the same time, in
/// a folder that survives a killed process and a power cut.
///
/// ```swift
/// let collection = try VectorCollection.create(
///     "passages", CollectionSettings(dimension: 384, metric: .cosine, columns: [.init("year", .integer)]))
/// try collection.add(vectors, ids: [1, 2], fields: [["year": 2023], ["year": 2024]])
/// try collection.delete([1])
/// let found = try collection.search(queries, k: 10, where: Column("year") >= 2024)
/// try collection.close()
/// ```
///
/// A search sees the operations that had returned when its snapshot was taken, and no others,
/// however long it takes and whatever is added, deleted or merged meanwhile. Readers wait for
/// nobody. Operations are carried out one after the other; each of them is seen whole or not at
/// all, now and after any end of the process.
///
/// Limits are in `Documentation/Collections.md`.
public final class VectorCollection: Sendable {
    public let settings: CollectionSettings
    /// What was found when the collection was opened.
    public let recovery: RecoveryReport
    let folder: any CollectionFolder
    /// nil for a collection that was opened for reading.
    private let writer: CollectionWriter?
    private let interval: Interval?
    private let box: StateBox

    /// Makes a collection in a new or an empty folder, and opens it for writing.
    ///
    /// - Throws: `CollectionError` for settings that do not do or a folder that holds something;
    ///   `FactoryError` for the factory string.
    public static func create(
        _ path: String, _ settings: CollectionSettings,
        options: CollectionOptions = CollectionOptions()
    ) throws -> VectorCollection {
        try settings.check()
        return try create(in: SystemFolder(path, creating: true), settings, options)
    }

    package static func create(
        in folder: any CollectionFolder, _ settings: CollectionSettings,
        _ options: CollectionOptions
    ) throws -> VectorCollection {
        VectorCollection(
            try CollectionWriter.create(in: folder, settings, options), RecoveryReport())
    }

    /// Opens a collection for writing, as the only one; readers may have it open.
    ///
    /// What the log holds is carried out; the tail of an operation that was never acknowledged is
    /// cut, which `recovery` tells.
    /// - Throws: `CollectionError`, which names the damaged part and what can be done.
    public static func open(
        _ path: String, options: CollectionOptions = CollectionOptions()
    ) throws -> VectorCollection {
        try open(in: SystemFolder(path, creating: false), options)
    }

    package static func open(
        in folder: any CollectionFolder, _ options: CollectionOptions
    ) throws -> VectorCollection {
        let (writer, report) = try CollectionWriter.open(folder, options)
        return VectorCollection(writer, report)
    }

    /// Opens a collection as it is now, for reading. Nothing is changed, not even a torn log; what
    /// a writer does later is not seen.
    public static func openForReading(_ path: String) throws -> VectorCollection {
        try openForReading(in: SystemFolder(path, creating: false))
    }

    package static func openForReading(
        in folder: any CollectionFolder
    ) throws -> VectorCollection {
        let loaded = try CollectionLoader(folder: folder, damagedLog: .refuse).loadBesideWriter()
        return VectorCollection(loaded, folder)
    }

    private init(_ writer: CollectionWriter, _ report: RecoveryReport) {
        self.writer = writer
        recovery = report
        settings = writer.settings
        folder = writer.folder
        box = writer.box
        if case .interval(let milliseconds) = writer.options.durability {
            interval = Interval(milliseconds: milliseconds) { [weak writer] in
                writer?.syncAfterInterval()
            }
        } else {
            interval = nil
        }
    }

    private init(_ loaded: CollectionLoader.Loaded, _ folder: any CollectionFolder) {
        (writer, interval) = (nil, nil)
        recovery = loaded.report
        settings = loaded.manifest.settings
        self.folder = folder
        box = StateBox(loaded.rows.show())
    }

    deinit { interval?.stop() }

    // MARK: Reading

    /// The collection as it is now, for any number of searches.
    public var snapshot: CollectionSnapshot { CollectionSnapshot(box.state, settings) }

    /// How many vectors there are.
    public var count: Int { box.state.count }

    /// Finds the `k` nearest vectors of each query in a snapshot; see `CollectionSnapshot.search`.
    public func search(
        _ queries: VectorRows, k: Int, where predicate: FieldPredicate? = nil,
        options: CollectionSearchOptions = CollectionSearchOptions(), threads: Int = 1
    ) throws -> Neighbors {
        try snapshot.search(queries, k: k, where: predicate, options: options, threads: threads)
    }

    // MARK: Writing

    private func checkedWriter() throws(CollectionError) -> CollectionWriter {
        guard let writer else { throw CollectionError(folder.path, .openForReading) }
        return writer
    }

    /// Adds vectors; one whose id is there is replaced, its fields too.
    ///
    /// All of them become visible together. When this returns they are as safe as
    /// `CollectionOptions.durability` says.
    /// - Parameters:
    ///   - ids: one for each vector, not negative, each once.
    ///   - fields: for each vector its values by the names of columns; what is left out is
    ///     missing. Empty for no values at all.
    /// - Returns: how many of the ids were there before.
    /// - Throws: `CollectionError`; then nothing was added.
    @discardableResult
    public func add(
        _ vectors: VectorRows, ids: [Int64], fields: [[String: ColumnValue]] = []
    ) throws -> Int {
        let writer = try checkedWriter()
        let batch = try RowBatch(vectors, ids: ids, fields: fields, settings)
        guard !ids.isEmpty else {
            try writer.requireOpen()
            return 0
        }
        return try writer.commit(.put(batch)).replaced
    }

    /// Deletes the vectors of ids. Snapshots that were taken before keep them.
    ///
    /// - Returns: how many there were; an id that is not there is no error.
    @discardableResult
    public func delete(_ ids: [Int64]) throws -> Int {
        let writer = try checkedWriter()
        guard !ids.isEmpty else {
            try writer.requireOpen()
            return 0
        }
        return try writer.commit(.delete(ids)).replaced
    }

    /// Brings every operation that returned to disk; useful with `Durability.interval` alone.
    public func sync() throws { try checkedWriter().sync() }

    /// Writes what is in memory to a segment, and begins a new log.
    public func seal() throws { try checkedWriter().seal() }

    /// Makes one segment of everything, without deleted rows, with the index of the settings if
    /// there are enough rows for it.
    ///
    /// Searches, additions and deletions go on meanwhile.
    /// - Parameter threads: how many train and fill the index.
    public func compact(threads: Int = 1, progress: TrainingProgressHandler? = nil) throws {
        try checkedWriter().compact(threads: threads, progress: progress)
    }

    /// Returns when nothing is sealed or merged in the background.
    ///
    /// - Throws: the failure of the last such work, if it failed. Nothing is lost by that; it is
    ///   tried again after later operations.
    public func waitForMaintenance() throws {
        let writer = try checkedWriter()
        writer.sealJob.waitUntilIdle()
        writer.mergeJob.waitUntilIdle()
        if let failure = writer.failures.last { throw failure }
    }

    /// Ends the collection's use for writing: waits for work in the background, brings everything
    /// to disk, and lets another writer in. Reading goes on.
    ///
    /// A collection that is not closed loses nothing that `CollectionOptions.durability` keeps.
    public func close() throws {
        interval?.stop()
        try writer?.close()
    }

    /// What the collection consists of.
    public var info: CollectionInfo {
        CollectionInfo(
            box.state, settings, logBytes: writer?.logLength,
            failure: writer?.failures.last.map { "\($0)" })
    }
}

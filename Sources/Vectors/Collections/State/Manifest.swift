/// What a collection consists of: the file `MANIFEST`, replaced as a whole.
struct Manifest: Sendable, Hashable {
    /// A segment and the rows that were deleted from it.
    struct Entry: Sendable, Hashable {
        let number: UInt64
        let rows: Int
        /// The number of the file of deleted rows; 0 where there is none.
        var deletions: UInt64
    }

    /// A random number that files of other collections do not have.
    let mark: UInt64
    let settings: CollectionSettings
    /// The last operation that the segments know of; the log goes on from there.
    var sequence: UInt64
    /// The first log to read; those with higher numbers follow it.
    var firstLog: UInt64
    /// No file has this number or a higher one, except one that came to nothing.
    var nextNumber: UInt64
    var segments: [Entry]

    static let magic: StaticString = "FATHOMCM"
    /// Numbers of operations and files are below, so that counting on from them cannot overflow.
    static let numberLimit: UInt64 = 1 << 62
    private static let segmentLimit = 1 << 20

    func encoded() throws(IndexFileError) -> [UInt8] {
        var writer = IndexWriter()
        try writer.value(mark)
        try writer.size(settings.dimension)
        try writer.value(settings.metric.rawValue)
        try writer.text(settings.factory)
        try writer.size(settings.sealRows)
        try writer.size(settings.indexRows)
        try writer.size(settings.columns.count)
        for column in settings.columns {
            try writer.u8(column.type.rawValue)
            try writer.text(column.name)
        }
        try writer.value(sequence)
        try writer.value(firstLog)
        try writer.value(nextNumber)
        try writer.size(segments.count)
        for segment in segments {
            try writer.value(segment.number)
            try writer.size(segment.rows)
            try writer.value(segment.deletions)
        }
        return SealedFile.encode(Self.magic, writer)
    }

    /// Reads the manifest of a folder.
    static func read(in folder: any CollectionFolder) throws -> Manifest {
        let file = Result { () throws(CollectionError) in
            try folder.contents(FileNames.manifest)
        }
        if case .failure(let error) = file, error.isMissingFile {
            throw CollectionError(folder.path, .notACollection)
        }
        let contents = try file.get()
        let outcome = Result {
            try decode(contents.bytes, path: folder.path(of: FileNames.manifest))
        }
        try contents.checkIntact()
        return try outcome.get()
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, path: String) throws -> Manifest {
        let manifest = try SealedFile.decode(magic, bytes, "manifest", of: path) { reader in
            try Manifest(reading: &reader)
        }
        do {
            try manifest.settings.check()
        } catch {
            throw CollectionError.damaged(path, "manifest", found: error)
        }
        return manifest
    }

    init(mark: UInt64, settings: CollectionSettings, firstLog: UInt64, nextNumber: UInt64) {
        self.mark = mark
        self.settings = settings
        sequence = 0
        self.firstLog = firstLog
        self.nextNumber = nextNumber
        segments = []
    }

    private init(reading reader: inout IndexReader) throws {
        mark = try reader.u64("mark")
        let dimension = try reader.size("dimension")
        let metric = try reader.enumeration("metric", as: CollectionMetric.self)
        let factory = try reader.text("factory")
        let sealRows = try reader.size("sealRows")
        let indexRows = try reader.size("indexRows")
        var columns: [ColumnDefinition] = []
        let columnCount = try reader.size("columns", in: 0...CollectionSettings.columnLimit)
        for _ in 0..<columnCount {
            let raw = try reader.u8("column/type")
            guard let type = ColumnType(rawValue: raw) else {
                throw reader.failure("column/type", found: raw, expected: "from 1 to 4")
            }
            columns.append(ColumnDefinition(try reader.text("column/name"), type))
        }
        settings = CollectionSettings(
            dimension: dimension, metric: metric, factory: factory, columns: columns,
            sealRows: sealRows, indexRows: indexRows)
        sequence = try reader.serial("sequence")
        firstLog = try reader.serial("firstLog")
        nextNumber = try reader.serial("nextNumber")
        segments = []
        let segmentCount = try reader.size("segments", in: 0...Self.segmentLimit)
        for _ in 0..<segmentCount {
            segments.append(
                Entry(
                    number: try reader.serial("segment/number"),
                    rows: try reader.size("segment/rows"),
                    deletions: try reader.serial("segment/deletions")))
        }
    }

    /// The names of the files that belong to the collection, logs after the first aside.
    var fileNames: Set<String> {
        var names: Set<String> = [FileNames.manifest, FileNames.lock, FileNames.log(firstLog)]
        for segment in segments {
            names.insert(FileNames.segment(segment.number))
            if segment.deletions > 0 {
                names.insert(
                    FileNames.deletions(segment: segment.number, number: segment.deletions))
            }
        }
        return names
    }

    /// The numbers of the logs there are, in order.
    func logNumbers(_ names: [String]) -> [UInt64] {
        names.compactMap(FileNames.logNumber).filter { $0 >= firstLog }.sorted()
    }
}

extension IndexReader {
    /// The number of an operation or a file.
    fileprivate mutating func serial(_ field: String) throws(IndexFileError) -> UInt64 {
        let value = try u64(field)
        try require(
            value < Manifest.numberLimit, field, found: value, expected: "below 2^62")
        return value
    }
}

/// The file of the rows that were deleted from a segment.
enum DeletionFile {
    static let magic: StaticString = "FATHOMDL"

    static func encode(
        _ rows: RowSet, segment: UInt64, number: UInt64
    ) throws(IndexFileError) -> [UInt8] {
        var writer = IndexWriter()
        try writer.value(segment)
        try writer.value(number)
        try writer.size(rows.count)
        try writer.vector(rows.words)
        return SealedFile.encode(magic, writer)
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, path: String, segment: UInt64, number: UInt64, count: Int
    ) throws(CollectionError) -> RowSet {
        try SealedFile.decode(magic, bytes, "set of deleted rows", of: path) { reader in
            for (name, expected) in [
                ("segment", segment), ("number", number), ("count", UInt64(count)),
            ] {
                let found = try reader.u64(name)
                try reader.require(
                    found == expected, name, found: found, expected: "\(expected)")
            }
            let words = try reader.vector("rows", of: UInt64.self)
            guard let rows = RowSet(words: words, count: count) else {
                throw reader.failure(
                    "rows", found: "\(words.count) words", expected: "those of \(count) rows")
            }
            return rows
        }
    }
}

import ArgumentParser
import FathomJSON
import FathomTensors
import FathomVectors

struct Collections: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collection",
        abstract: "Works on collections: vectors that come, go and are searched.",
        discussion: """
            A collection is a folder of vectors with ids and fields. What a verb has said is done \
            survives a killed process and a power cut. One process at a time may write; any number \
            may search meanwhile.
            """,
        subcommands: [
            CreateCollection.self, AddToCollection.self, DeleteFromCollection.self,
            SearchCollection.self, CompactCollection.self, CollectionStatus.self,
            VerifyCollection.self, ExerciseCollection.self,
        ])

    /// Opens a collection for writing, and says what recovery there was.
    static func open(
        _ path: String, cutsDamagedLog: Bool = false, isManual: Bool = false
    ) throws -> VectorCollection {
        let collection = try VectorCollection.open(
            path,
            options: CollectionOptions(
                maintenance: isManual ? .manual : .background,
                damagedLog: cutsDamagedLog ? .cutAtDamage : .refuse))
        for note in collection.recovery.notes { StandardError.write("\(path): \(note)\n") }
        return collection
    }
}

struct CreateCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an empty collection.")

    /// How nearness is measured.
    enum NearnessMetric: String, ExpressibleByArgument, CaseIterable {
        case l2
        case ip
        case cosine

        var metric: CollectionMetric {
            switch self {
            case .l2: .l2
            case .ip: .innerProduct
            case .cosine: .cosine
            }
        }
    }

    @Argument(help: "Folder to make, or an empty one.")
    var folder: String

    @Option(help: "Components of a vector.")
    var dimension: Int

    @Option(help: "Squared Euclidean distance, inner product, or cosine.")
    var metric = NearnessMetric.l2

    @Option(
        help: ArgumentHelp(
            "Index of large segments: Flat, HNSW32, IVF256,PQ16 …", valueName: "string"))
    var factory = "HNSW32"

    @Option(
        help: ArgumentHelp(
            "A column, once for each: its name and integer, double, string or boolean.",
            valueName: "name:type"))
    var column: [String] = []

    @Option(help: "Rows that are gathered in memory before they are sealed.")
    var sealRows: Int?

    @Option(help: "Rows from which on a segment gets an index.")
    var indexRows: Int?

    func run() throws {
        var settings = CollectionSettings(
            dimension: dimension, metric: metric.metric, factory: factory,
            columns: try column.map(definition))
        if let sealRows { settings.sealRows = sealRows }
        if let indexRows { settings.indexRows = indexRows }
        try VectorCollection.create(folder, settings).close()
    }

    private func definition(_ text: String) throws -> ColumnDefinition {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let type = ColumnType(name: parts[1]) else {
            throw ToolError(
                "--column '\(text)': it must be a name, ':' and integer, double, string or boolean")
        }
        return ColumnDefinition(String(parts[0]), type)
    }
}

struct CompactCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Makes one segment of everything, without deleted rows, and indexes it.")

    @Argument(help: "Collection.")
    var folder: String

    @Flag(help: "Give up what is behind damage in the log; a copy of the log is kept.")
    var cutDamagedLog = false

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        let collection = try Collections.open(
            folder, cutsDamagedLog: cutDamagedLog, isManual: true)
        let line = StageLine()
        defer { line.close() }
        try collection.compact(
            threads: threads.threads ?? ThreadPool.coreCount, progress: line.show)
        line.close()
        try collection.close()
        StandardError.write("\(folder): \(collection.count) vectors\n")
    }
}

struct CollectionStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows what a collection consists of.")

    @Argument(help: "Collection.")
    var folder: String

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let collection = try VectorCollection.openForReading(folder)
        let info = collection.info
        StandardOutput.write(json ? Self.json(info).serialized() + "\n" : Self.text(info))
    }

    private static func text(_ info: CollectionInfo) -> String {
        let columns = info.settings.columns.map { "\($0.name):\($0.type.name)" }
        var rows = [
            ["vectors", "\(info.count) of \(info.settings.dimension)"],
            ["metric", "\(info.settings.metric)"],
            ["index", info.settings.factory],
            ["columns", columns.isEmpty ? "none" : columns.joined(separator: " ")],
            ["operations", "\(info.sequence)"],
            ["in the log alone", "\(info.unsealedRows) rows"],
        ]
        for segment in info.segments {
            rows.append([
                "segment \(segment.number)",
                "\(segment.rows) rows, \(segment.deleted) deleted, \(segment.index), "
                    + Format.bytes(segment.bytes),
            ])
        }
        return Table.lines(rows, indent: "").joined(separator: "\n") + "\n"
    }

    private static func json(_ info: CollectionInfo) -> JSONValue {
        .object([
            "vectors": .integer(info.count), "dimension": .integer(info.settings.dimension),
            "metric": .string("\(info.settings.metric)"),
            "factory": .string(info.settings.factory),
            "columns": .array(
                info.settings.columns.map {
                    .object(["name": .string($0.name), "type": .string($0.type.name)])
                }),
            "operations": .integer(Int(clamping: info.sequence)),
            "unsealed_rows": .integer(info.unsealedRows),
            "segments": .array(
                info.segments.map {
                    .object([
                        "number": .integer(Int(clamping: $0.number)), "rows": .integer($0.rows),
                        "deleted": .integer($0.deleted), "index": .string($0.index),
                        "bytes": .integer($0.bytes),
                    ])
                }),
        ])
    }
}

struct VerifyCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every byte of a collection and checks what it says.")

    @Argument(help: "Collection.")
    var folder: String

    func run() throws {
        let collection = try VectorCollection.openForReading(folder)
        for note in collection.recovery.notes { StandardError.write("\(folder): \(note)\n") }
        try collection.snapshot.verify()
        StandardOutput.write(
            "\(collection.count) vectors in \(collection.info.segments.count) segments and "
                + "\(collection.recovery.replayedOperations) operations of the log: whole\n")
    }
}

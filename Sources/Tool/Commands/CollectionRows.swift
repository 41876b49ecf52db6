import ArgumentParser
import FathomJSON
import FathomVectors

struct AddToCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Adds vectors to a collection, or replaces those whose ids are there.",
        discussion: """
            Vectors are read from .fvecs and .npy files, or from safetensors with a tensor \
            'vectors'. Fields are a JSON object a line, as many as vectors; 'id' in them is the id. \
            Vectors without one are numbered from --first-id on, or behind the largest id there is. \
            Each batch is added as a whole, and said once it is on disk.
            """)

    @Argument(help: "Collection.")
    var folder: String

    @Option(help: ArgumentHelp("Vectors to add.", valueName: "file"))
    var vectors: String

    @Option(
        help: ArgumentHelp("Name of the tensor in safetensors files.", valueName: "name"))
    var tensor = "vectors"

    @Option(help: ArgumentHelp("Fields, as JSON lines; - for standard input.", valueName: "file"))
    var fields: String?

    @Option(help: "Id of the first vector.")
    var firstID: Int64?

    @Option(help: "Vectors that are added at once.")
    var batch = 4096

    func validate() throws {
        guard (1...1_000_000).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be from 1 to 1000000")
        }
    }

    func run() throws {
        let rows = try VectorRows(floatsIn: vectors, tensor: tensor)
        let collection = try Collections.open(folder)
        let numbered = try numbers(rows.count, collection)
        let table =
            try fields.map {
                try FieldRows($0, count: rows.count, columns: collection.settings.columns)
            }
            ?? FieldRows(ids: [], fields: [])
        let ids = table.ids.isEmpty ? numbered : table.ids
        var replaced = 0
        for begin in stride(from: 0, to: rows.count, by: batch) {
            let range = begin..<min(begin + batch, rows.count)
            let values = range.flatMap { rows.row($0) }
            replaced += try collection.add(
                VectorRows(values, dimension: rows.dimension), ids: Array(ids[range]),
                fields: table.fields.isEmpty ? [] : Array(table.fields[range]))
            StandardOutput.write("\(range.upperBound) of \(rows.count) are on disk\n")
        }
        try collection.waitForMaintenance()
        try collection.close()
        StandardError.write(
            "\(folder): \(collection.count) vectors; \(replaced) were replaced\n")
    }

    private func numbers(_ count: Int, _ collection: VectorCollection) throws -> [Int64] {
        let first = try firstID ?? (collection.snapshot.ids().last.map { $0 &+ 1 } ?? 0)
        guard first >= 0, !first.addingReportingOverflow(Int64(count)).overflow else {
            throw ToolError("ids from \(first) on: they must be from 0 to \(Int64.max)")
        }
        return (0..<Int64(count)).map { first + $0 }
    }
}

struct DeleteFromCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes vectors by their ids or their fields.")

    @Argument(help: "Collection.")
    var folder: String

    @Option(help: ArgumentHelp("Ids to delete, with commas between them.", valueName: "ids"))
    var ids: String?

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Condition on fields: 'year < 2020'.", valueName: "predicate"))
    var predicate: String?

    func validate() throws {
        guard (ids == nil) != (predicate == nil) else {
            throw ValidationError("give either --ids or --where")
        }
    }

    func run() throws {
        let collection = try Collections.open(folder)
        let chosen: [Int64]
        if let predicate {
            chosen = try collection.snapshot.ids(
                where: FieldPredicate(parsing: predicate, columns: collection.settings.columns))
        } else {
            chosen = try (ids ?? "").split(separator: ",").map { text in
                guard let id = Int64(text) else {
                    throw ToolError("--ids: '\(text)' is no number")
                }
                return id
            }
        }
        let count = try collection.delete(chosen)
        try collection.close()
        StandardOutput.write("\(count) deleted\n")
    }
}

extension VectorRows {
    /// Vectors of floats from a file.
    init(floatsIn path: String, tensor: String) throws {
        self = try QueryRows(path: path, tensor: tensor).vectors(path)
    }
}

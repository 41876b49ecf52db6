import ArgumentParser
import FathomJSON
import FathomTensors
import FathomVectors

struct SearchCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Finds the nearest vectors in a collection.",
        discussion: """
            A condition on fields is such as 'year >= 2020 and (lang == "en" or lang starts_with \
            "de")'; there are == != < <= > >=, in [1, 2], starts_with, exists, and, or, not. \
            Without --output each query gives a line: a JSON list of ids, distances and fields.
            """)

    @Argument(help: "Collection.")
    var folder: String

    @Option(help: "Queries: .fvecs, .npy, or safetensors with a tensor 'queries'.")
    var queries: String

    @Option(help: "How many vectors to find for each query.")
    var k: Int

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Only rows that meet it are found.", valueName: "predicate"))
    var predicate: String?

    @Option(help: "Candidates that a graph keeps.")
    var efSearch: Int?

    @Option(help: "Inverted lists that are looked at.")
    var nprobe: Int?

    @Option(help: "How many times k candidates of a rounding index are compared exactly.")
    var candidateFactor: Int?

    @Flag(help: "Compare every vector that meets the condition.")
    var exact = false

    @Option(
        help: ArgumentHelp(
            "Safetensors file to write: distances and labels, both [queries, k].",
            valueName: "file"))
    var output: String?

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        let collection = try VectorCollection.openForReading(folder)
        let snapshot = collection.snapshot
        let found = try snapshot.search(
            VectorRows(floatsIn: queries, tensor: "queries"), k: k,
            where: try predicate.map {
                try FieldPredicate(parsing: $0, columns: collection.settings.columns)
            },
            options: CollectionSearchOptions(
                efSearch: efSearch, nprobe: nprobe, candidateFactor: candidateFactor,
                isExact: exact),
            threads: threads.threads ?? ThreadPool.coreCount)
        if let output {
            try FoundVectors(found).write(to: output)
            return
        }
        var lines = LineOutput()
        for query in 0..<found.queryCount {
            lines.write(JSONValue.array(hits(query, found, snapshot)).serialized())
        }
        lines.flush()
    }

    private func hits(
        _ query: Int, _ found: Neighbors, _ snapshot: CollectionSnapshot
    ) -> [JSONValue] {
        (query * k..<(query + 1) * k).filter { found.labels[$0] >= 0 }.map { place in
            let fields = snapshot.fields(of: found.labels[place]) ?? [:]
            var pairs: [(String, JSONValue)] = [
                ("id", .integer(Int(found.labels[place]))),
                ("distance", .number(Double(found.distances[place]))),
            ]
            let named = snapshot.settings.columns.compactMap { column in
                fields[column.name].map { (column.name, JSONValue($0)) }
            }
            if !named.isEmpty { pairs.append(("fields", .object(JSONObject(named)))) }
            return .object(JSONObject(pairs))
        }
    }
}

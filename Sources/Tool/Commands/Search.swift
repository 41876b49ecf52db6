import ArgumentParser
import FathomRetrieval
import FathomTensors
import FathomVectors

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the nearest vectors in an index, or the passages that answer a question.",
        discussion: """
            An index of texts, which `fathom index text` makes, is asked by --text. Without --json \
            each passage is a line of file, lines and score, and its text indented below.

            An index file of vectors is asked by --queries, with --k and --output. Parameters are \
            a JSON object by Faiss's names: nprobe, max_codes, efSearch, k_factor, qb, \
            quantizer_params, base_index_params … and sel, a selector such as \
            {"type": "range", "min": 0, "max": 100}, {"type": "batch", "ids": [3, 5]}, \
            {"type": "bitmap", "hex": "ff01"} or {"type": "not", "of": …}; and, or and xor take \
            a and b.
            """)

    /// What passages are ranked by.
    enum Ranking: String, ExpressibleByArgument, CaseIterable {
        case hybrid
        case vector
        case bm25

        var mode: TextIndex.Mode {
            switch self {
            case .hybrid: .hybrid
            case .vector: .vector
            case .bm25: .bm25
            }
        }
    }

    @Argument(help: "Index file, or folder of an index of texts.")
    var index: String

    @Option(help: ArgumentHelp("A question, for an index of texts.", valueName: "question"))
    var text: String?

    @Option(help: "Queries: .fvecs, .npy, or safetensors with a tensor 'queries' (F32 or U8).")
    var queries: String?

    @Option(help: "How many to find for each query; 10 for a question by default.")
    var k: Int?

    @Option(help: ArgumentHelp("Search parameters.", valueName: "json"))
    var parameters: String?

    @Option(help: "Safetensors file to write: distances and labels, both [queries, k].")
    var output: String?

    @Option(help: "With --text: what passages are ranked by.")
    var mode = Ranking.hybrid

    @Option(help: "With --text: the embedder, in place of the one the index names.")
    var model: String?

    @Flag(help: "With --text: write one JSON object.")
    var json = false

    @Flag(help: "Leave codes in the file instead of loading them.")
    var mapped = false

    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if text != nil {
            guard queries == nil, output == nil, !mapped else {
                throw ValidationError("--text takes no --queries, --output and --mapped")
            }
            if let k, !(1...10_000).contains(k) {
                throw ValidationError("--k is \(k); with --text it must be from 1 to 10000")
            }
        } else {
            guard queries != nil, k != nil, output != nil else {
                throw ValidationError(
                    "give --queries, --k and --output for vectors, or --text for texts")
            }
        }
    }

    func run() async throws {
        let parameters =
            try parameters.map { try SearchParameters(parsing: $0) } ?? SearchParameters()
        if let text {
            try await TextSearch(
                index: index, question: text, k: k ?? 10, mode: mode.mode, model: model,
                parameters: parameters, threads: threads
            ).run(asJSON: json)
        } else if let queries, let k, let output {
            let file = try mapped ? IndexFile.map(index) : IndexFile.read(index)
            let rows = try QueryRows(path: queries)
            let found: FoundVectors
            do {
                found = try FoundVectors(
                    in: file, of: rows, k: k, parameters: parameters,
                    threads: threads.threads ?? ThreadPool.coreCount)
            } catch {
                // What a search refuses says nothing of files.
                throw ToolError("search of \(index) for \(queries): \(error)")
            }
            try found.write(to: output)
        }
    }
}

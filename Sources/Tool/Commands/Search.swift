import ArgumentParser
import FathomTensors
import FathomVectors

struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the nearest vectors in an index.",
        discussion: """
            Parameters are a JSON object by Faiss's names: nprobe, max_codes, efSearch, \
            k_factor, qb, quantizer_params, base_index_params … and sel, a selector such as \
            {"type": "range", "min": 0, "max": 100}, {"type": "batch", "ids": [3, 5]}, \
            {"type": "bitmap", "hex": "ff01"} or {"type": "not", "of": …}; and, or and xor take \
            a and b.
            """)

    @Argument(help: "Index file.")
    var index: String

    @Option(help: "Queries: .fvecs, .npy, or safetensors with a tensor 'queries' (F32 or U8).")
    var queries: String

    @Option(help: "How many vectors to find for each query.")
    var k: Int

    @Option(help: ArgumentHelp("Search parameters.", valueName: "json"))
    var parameters: String?

    @Option(help: "Safetensors file to write: distances and labels, both [queries, k].")
    var output: String

    @Flag(help: "Leave codes in the file instead of loading them.")
    var mapped = false

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        let parameters = try parameters.map { try SearchParameters(parsing: $0) }
        let file = try mapped ? IndexFile.map(index) : IndexFile.read(index)
        let rows = try QueryRows(path: queries)
        let found: FoundVectors
        do {
            found = try FoundVectors(
                in: file, of: rows, k: k, parameters: parameters ?? SearchParameters(),
                threads: threads.threads ?? ThreadPool.coreCount)
        } catch {
            // What a search refuses says nothing of files.
            throw ToolError("search of \(index) for \(queries): \(error)")
        }
        try found.write(to: output)
    }
}

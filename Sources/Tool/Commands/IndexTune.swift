import ArgumentParser
import FathomCheckpoints
import FathomJSON
import FathomTensors
import FathomVectors

struct TuneIndex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Finds search parameters for a wanted recall.",
        discussion: """
            Tries settings of the parameters that the index takes (nprobe, efSearch, k_factor …), \
            measures what each finds of the true nearest and how fast it is, and lists those that \
            no other beats. Give the true nearest as labels (.ivecs, .npy, or what 'fathom search' \
            of a flat index writes), or the base vectors in the order in which they were added, to \
            which every query is then compared.
            """)

    @Argument(help: "Index file.")
    var index: String

    @Option(
        help: ArgumentHelp("Queries: .fvecs, .npy, or safetensors 'queries'.", valueName: "file"))
    var queries: String

    @Option(help: ArgumentHelp("Labels of the true nearest of each query.", valueName: "file"))
    var groundTruth: String?

    @Option(
        help: ArgumentHelp("Vectors of the index, to find the true nearest.", valueName: "file"))
    var base: String?

    @Option(help: "How many vectors to find for each query.")
    var k = 10

    @Option(help: "Share of the true nearest that is to be found.")
    var recall = 0.95

    @Option(help: "The most settings that are tried.")
    var experiments = 500

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: ArgumentHelp("Draw recall against queries a second.", valueName: "file.svg"))
    var plot: String?

    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        guard (groundTruth == nil) != (base == nil) else {
            throw ValidationError("give --ground-truth or --base, and not both")
        }
        guard k > 0 else { throw ValidationError("--k is \(k); it must be at least 1") }
        guard recall > 0, recall <= 1 else {
            throw ValidationError("--recall is \(recall); it must be above 0 and at most 1")
        }
        guard experiments > 0 else {
            throw ValidationError("--experiments is \(experiments); it must be at least 1")
        }
    }

    func run() throws {
        guard let index = try IndexFile.read(index).vectorIndex else {
            throw ToolError("\(index): holds vectors of bits, whose parameters are not tuned here")
        }
        let threads = threads.threads ?? ThreadPool.coreCount
        let rows = try QueryRows(path: queries).vectors(queries)
        var sweep = try ParameterSweep(
            index, queries: rows, truth: try truth(index, rows, threads), k: k)
        sweep.experimentLimit = experiments
        sweep.threads = threads
        let isShown = StandardError.isTerminal
        let points = try sweep.run { done, total in
            if isShown { StandardError.write("\r\u{1B}[K\(done) of \(total) settings") }
        }
        if isShown { StandardError.write("\r\u{1B}[K") }
        if let plot {
            let svg = OperatingPlot(points, k: k).svg(title: self.index)
            try AtomicFile.write(Array(svg.utf8), to: plot)
        }
        let chosen = points.cheapest(reaching: recall)
        StandardOutput.write(json ? report(points, chosen) : text(points, chosen))
    }

    private func truth(
        _ index: any VectorIndex, _ rows: VectorRows, _ threads: Int
    ) throws -> [Int64] {
        if let base {
            let vectors = try QueryRows(path: base, tensor: "vectors").vectors(base)
            guard vectors.count == index.count else {
                throw ToolError(
                    "\(base): holds \(vectors.count) vectors, the index \(index.count); give those "
                        + "that were added, in their order")
            }
            return try ParameterSweep.groundTruth(
                vectors, rows, k: k, metric: index.metric, threads: threads)
        }
        guard let groundTruth else { throw ToolError("give --ground-truth or --base") }
        let labels = try LabelRows(path: groundTruth)
        guard labels.rowCount == rows.count else {
            throw ToolError(
                "\(groundTruth): has \(labels.rowCount) rows for \(rows.count) queries; give one "
                    + "each")
        }
        return labels.labels
    }

    // MARK: Output

    private func text(_ points: OperatingPoints, _ chosen: OperatingPoint?) -> String {
        var table = [["", "recall@\(k)", "queries/s", "us/query", "setting"]]
        let front = Set(points.front.map(\.key))
        for point in points.points.sorted(by: { $0.secondsPerQuery < $1.secondsPerQuery }) {
            table.append([
                point.key == chosen?.key ? ">" : front.contains(point.key) ? "*" : "",
                Format.fixed(point.recall, 4), Format.number(point.queriesPerSecond),
                Format.number(point.secondsPerQuery * 1e6), point.key.isEmpty ? "-" : point.key,
            ])
        }
        var lines = Table.lines(table)
        lines.append(
            "\(points.points.count) settings tried, \(points.skippedCount) left out as sure to be "
                + "no better; * none beats it")
        if let chosen {
            lines.append(
                "> is the fastest that finds \(recall): --parameters '"
                    + "\(JSONValue.object(chosen.searchObject).serialized())'")
        } else {
            let best = points.points.map(\.recall).max() ?? 0
            lines.append(
                "none finds \(recall); the most is \(Format.fixed(best, 4)): build an index with "
                    + "larger codes, or refine its results")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func report(_ points: OperatingPoints, _ chosen: OperatingPoint?) -> String {
        let front = Set(points.front.map(\.key))
        func object(_ point: OperatingPoint) -> JSONValue {
            .object(
                JSONObject([
                    ("setting", .string(point.key)),
                    ("parameters", .object(point.searchObject)),
                    ("recall", .number(point.recall)),
                    ("queries_per_second", .number(point.queriesPerSecond)),
                    ("is_on_front", .bool(front.contains(point.key))),
                ]))
        }
        return JSONValue.object(
            JSONObject([
                ("k", .integer(k)), ("wanted_recall", .number(recall)),
                ("chosen", chosen.map(object) ?? .null),
                ("skipped", .integer(points.skippedCount)),
                ("points", .array(points.points.map(object))),
            ])
        ).serialized() + "\n"
    }
}

extension OperatingPoint {
    /// The settings as `fathom search --parameters` takes them.
    fileprivate var searchObject: JSONObject {
        func insert(
            _ setting: Setting, _ path: ArraySlice<SearchParameters.Name>, _ object: JSONObject
        ) -> JSONObject {
            var object = object
            if let name = path.first {
                object[name.rawValue] = .object(
                    insert(
                        setting, path.dropFirst(),
                        object[name.rawValue]?.objectValue ?? JSONObject([])))
            } else {
                object[setting.range.parameter.rawValue] = .integer(setting.value)
            }
            return object
        }
        return settings.reduce(JSONObject([])) { insert($1, $1.range.path[...], $0) }
    }
}

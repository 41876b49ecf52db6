import ArgumentParser
import FathomJSON
import FathomVectors

struct ExplainIndex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says what an index will take before it is built.",
        discussion: """
            For a factory string: its parts, bytes a vector, the size of the file (arrays in memory \
            take as much), how many vectors training wants, and with how many a query is compared.
            """)

    @Argument(help: ArgumentHelp("Factory string, such as IVF4096,PQ32.", valueName: "string"))
    var factory: String

    @Option(help: "Components of a vector.")
    var dimension: Int

    @Option(help: "How many vectors are to be added.")
    var count: Int

    @Option(help: "Squared Euclidean distance, or inner product.")
    var metric = BuildIndex.NearnessMetric.l2

    @Option(help: "Inverted lists that a query looks at.")
    var nprobe = 1

    @Option(help: "Candidates that a search of a graph keeps.")
    var efSearch = 16

    @Option(help: "How many times --k candidates are refined.")
    var kFactor = 1

    @Option(help: "How many vectors a query asks for.")
    var k = 10

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var plan = SearchPlan()
        (plan.nprobe, plan.efSearch, plan.k, plan.kFactor) = (nprobe, efSearch, k, kFactor)
        let estimate = try IndexDescription(factory, dimension: dimension, metric: metric.metric)
            .estimate(count: count, plan: plan)
        StandardOutput.write(json ? report(estimate) : text(estimate))
    }

    private func text(_ estimate: IndexEstimate) -> String {
        var lines = estimate.parts.map { part in
            String(repeating: "  ", count: part.depth + 1) + part.text
        }
        let training =
            estimate.trainingVectors.map { wanted in
                wanted.lowerBound == wanted.upperBound
                    ? "\(wanted.lowerBound)"
                    : "\(wanted.lowerBound) at least; no more than \(wanted.upperBound) are looked at"
            } ?? "none"
        lines += Table.lines([
            ["a vector", "\(Format.number(estimate.bytesPerVector)) bytes"],
            [
                "file, and memory",
                "\(Format.bytes(estimate.fileSize)) (\(estimate.fileSize) bytes"
                    + (estimate.uncertainty.map { ", about: \($0))" } ?? ")"),
            ],
            ["vectors to train on", training],
            ["comparisons a query", "\(estimate.comparisonsPerQuery)"],
        ])
        return lines.joined(separator: "\n") + "\n"
    }

    private func report(_ estimate: IndexEstimate) -> String {
        let parts: [JSONValue] = estimate.parts.map { part in
            .object(JSONObject([("depth", .integer(part.depth)), ("text", .string(part.text))]))
        }
        return JSONValue.object(
            JSONObject([
                ("parts", .array(parts)), ("bytes_per_vector", .number(estimate.bytesPerVector)),
                ("file_bytes", .integer(estimate.fileSize)),
                ("is_exact", .bool(estimate.uncertainty == nil)),
                (
                    "training_vectors_wanted",
                    estimate.trainingVectors.map { .integer($0.lowerBound) } ?? .integer(0)
                ),
                (
                    "training_vectors_used",
                    estimate.trainingVectors.map { .integer($0.upperBound) } ?? .integer(0)
                ),
                ("comparisons_per_query", .integer(estimate.comparisonsPerQuery)),
            ])
        ).serialized() + "\n"
    }
}

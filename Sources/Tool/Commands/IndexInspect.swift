import ArgumentParser
import FathomJSON
import FathomVectors

struct InspectIndex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what an index file holds.",
        discussion: """
            Everything is checked as for a search. Codes and labels stay in the file, so that large \
            ones are opened at once.
            """)

    @Argument(help: "Index file.")
    var file: String

    @Flag(help: "Check the checksums of a container, which reads all of it.")
    var verify = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        if verify { try IndexFile.verify(file) }
        let summary = try IndexFile.map(file).summary
        StandardOutput.write(
            json
                ? JSONValue.object(report(summary)).serialized() + "\n"
                : lines(summary, depth: 0).joined(separator: "\n") + "\n")
    }

    private func lines(_ summary: IndexSummary, depth: Int) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        let name = (summary.role.isEmpty ? "" : summary.role + ": ") + summary.type
        let state = summary.isTrained ? "" : ", not trained"
        return [
            indent + "\(name), \(summary.count) vectors of \(summary.dimension)\(state)"
        ] + Table.lines(summary.facts.map { [$0.name, $0.value] }, indent: indent + "    ")
            + summary.parts.flatMap { lines($0, depth: depth + 1) }
    }

    private func report(_ summary: IndexSummary) -> JSONObject {
        let facts = JSONObject(summary.facts.map { ($0.name, .string($0.value)) })
        return JSONObject([
            ("type", .string(summary.type)), ("role", .string(summary.role)),
            ("dimension", .integer(summary.dimension)), ("count", .integer(summary.count)),
            ("is_trained", .bool(summary.isTrained)), ("facts", .object(facts)),
            ("parts", .array(summary.parts.map { .object(report($0)) })),
        ])
    }
}

import ArgumentParser
import FathomHub
import FathomJSON

struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetches a model.",
        discussion: """
            Interrupted downloads go on where they stopped. A name may also be a repository of the \
            hub: owner/repository, owner/repository@revision, owner/repository:file.gguf.
            """)

    @Argument(help: "Name of the model; `fathom list` shows those known.")
    var model: String = ModelArgument.standard

    @Flag(help: "Ask for a newer version of what is there already.")
    var refresh = false

    func run() async throws {
        let location = try await ProgressLine.pull(
            model, from: try ModelStore(), isRefreshing: refresh)
        StandardOutput.write(location.path + "\n")
    }
}

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the models on this machine and those that can be fetched.")

    @Flag(help: "Only what is on this machine.")
    var installed = false

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let store = try ModelStore()
        let models = try store.list()
        let names = Set(models.map(\.name))
        let others = installed ? [] : store.catalogue.entries.filter { !names.contains($0.name) }
        if json {
            let local: [JSONValue] = models.map { model in
                .object(
                    JSONObject([
                        ("name", .string(model.name)), ("path", .string(model.path)),
                        ("bytes", .integer(Int(model.bytes))), ("source", .string(model.source)),
                        ("pulled_at", .integer(Int(model.pulledAt))),
                    ]))
            }
            let known: [JSONValue] = others.map { entry in
                .object(
                    JSONObject([
                        ("name", .string(entry.name)), ("summary", .string(entry.summary)),
                        ("parameters", .string(entry.parameters)),
                        ("licence", .string(entry.licence)),
                        ("bytes", .integer(Int(entry.approximateBytes))),
                    ]))
            }
            let object = JSONObject([("installed", .array(local)), ("available", .array(known))])
            StandardOutput.write(JSONValue.object(object).serialized() + "\n")
            return
        }
        var lines: [String] = []
        if models.isEmpty {
            lines.append(
                "No model is on this machine yet; `fathom pull` fetches "
                    + "\(Catalogue.defaultName).")
        } else {
            lines.append("On this machine:")
            lines += Table.lines(models.map { [$0.name, Format.bytes(Int($0.bytes)), $0.path] })
        }
        if !others.isEmpty {
            lines.append("")
            lines.append("Can be fetched:")
            lines += Table.lines(
                others.map {
                    [$0.name, $0.parameters, Format.bytes(Int($0.approximateBytes)), $0.summary]
                })
        }
        StandardOutput.write(lines.joined(separator: "\n") + "\n")
    }
}

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Removes a model from this machine.")

    @Argument(help: "Name of the model, as `fathom list` shows it.")
    var model: String

    func run() throws {
        let freed = try ModelStore().remove(model)
        StandardError.write("\(model): removed, \(Format.bytes(Int(freed))) freed\n")
    }
}

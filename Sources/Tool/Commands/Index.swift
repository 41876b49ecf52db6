import ArgumentParser
import FathomVectors

struct Index: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Works on indexes of vectors and of texts.",
        subcommands: [
            IndexText.self, BuildIndex.self, ExplainIndex.self, InspectIndex.self, TuneIndex.self,
            RewriteIndex.self,
        ])
}

struct RewriteIndex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rewrite",
        abstract: "Reads an index and writes it anew.",
        discussion: """
            Everything in the file is checked on the way. Inverted lists in a file of their own \
            stay where they are: copy that file beside the new index. A container has a checksum \
            for each section and is searched in place, but Faiss does not read it.
            """)

    @Argument(help: "Index file to read.")
    var source: String

    @Argument(help: "Index file to write.")
    var destination: String

    @Flag(help: "Write a container with checksums instead of Faiss's format.")
    var container = false

    func run() throws {
        try IndexFile.read(source).write(destination, as: container ? .container : .faiss)
    }
}

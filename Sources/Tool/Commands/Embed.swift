import ArgumentParser
import FathomCheckpoints
import FathomHub
import FathomJSON
import FathomRetrieval
import FathomTensors

struct Embed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turns lines of text into vectors.",
        discussion: """
            Reads standard input, each line a text. Vectors have length 1; the product of two is \
            the cosine of the angle between them.
            """)

    @Argument(help: "Embedder: a sentence encoder, or any other MODEL.")
    var model = Catalogue.defaultEmbedderName

    @Option(
        help: ArgumentHelp(
            "Safetensors file to write: 'vectors' [lines, dimension]. Without it, each vector is "
                + "a line of JSON on standard output.", valueName: "file"))
    var output: String?

    @OptionGroup var threads: ThreadOptions

    func run() async throws {
        let encoder = try await Embedder.load(model, threads: threads).encoder
        var lines = StandardInput.lines()
        var texts: [String] = []
        while let line = try lines.next() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw ToolError("line \(texts.count + 1): not valid UTF-8")
            }
            texts.append(text)
        }
        let rows = try encoder.embed(texts)
        let dimension = encoder.dimension
        if let output {
            let tensor = Tensor(rows, shape: [texts.count, dimension])
            try SafetensorsWriter.write([("vectors", tensor)], to: output)
            return
        }
        var written = LineOutput()
        for start in stride(from: 0, to: rows.count, by: dimension) {
            let numbers = rows[start..<(start + dimension)].map { JSONValue.number(Double($0)) }
            written.write(JSONValue.array(numbers).serialized())
        }
        written.flush()
    }
}

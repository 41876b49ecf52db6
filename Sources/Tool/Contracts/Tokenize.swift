import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomText

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turns JSON strings, one a line, into JSON arrays of token ids.",
        shouldDisplay: false)

    @Argument(help: "Folder with tokenizer.json or tokenizer.model, or a .gguf file.")
    var model: String

    @Flag(help: "Recognise special tokens written in the text.")
    var special = false

    func run() throws {
        let tokenizer = try TokenizerArgument.open(model)
        var lines = StandardInput.lines()
        var output = LineOutput()
        var number = 0
        while let line = try lines.next() {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
            let value = try StandardInput.parse(line, number)
            guard let text = value.stringValue else {
                throw ToolError("line \(number): expected a JSON string")
            }
            let ids = tokenizer.encode(text, specialTokens: special ? .recognised : .asText)
            output.write("[" + ids.map(String.init).joined(separator: ",") + "]")
        }
        output.flush()
    }
}

struct Detokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detokenize",
        abstract: "Turns JSON arrays of token ids, one a line, into JSON strings.",
        shouldDisplay: false)

    @Argument(help: "Folder with tokenizer.json or tokenizer.model, or a .gguf file.")
    var model: String

    func run() throws {
        let tokenizer = try TokenizerArgument.open(model)
        var lines = StandardInput.lines()
        var output = LineOutput()
        var number = 0
        while let line = try lines.next() {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
            let value = try StandardInput.parse(line, number)
            guard let items = value.arrayValue else {
                throw ToolError("line \(number): expected a JSON array of token ids")
            }
            let ids = try items.map { item in
                guard let id = item.intValue.flatMap(Int32.init(exactly:)) else {
                    throw ToolError("line \(number): \(item) is no token id")
                }
                return id
            }
            let text = tokenizer.decode(ids, skippingSpecialTokens: false)
            // Readers may take U+2028 and its like for the end of a line.
            output.write(JSONValue.string(text).serialized(JSONStyle(escapesNonASCII: true)))
        }
        output.flush()
    }
}

/// The tokenizer that a MODEL argument leads to; weights need not be there.
enum TokenizerArgument {
    static func open(_ model: String) throws -> Tokenizer {
        let path = try ModelArgument.localPath(model)
        let tokenizer: Tokenizer
        if path.hasSuffix(".gguf") {
            let file = try GGUFFile(path: path, allowsMissingData: true)
            tokenizer = try Tokenizer(GGUFTokenizerMetadata(file.metadata))
        } else {
            tokenizer = try Tokenizer(contentsOf: path)
        }
        for warning in tokenizer.warnings { StandardError.write("warning: \(warning)\n") }
        return tokenizer
    }
}

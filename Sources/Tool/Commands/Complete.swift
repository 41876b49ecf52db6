import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomText

struct Complete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fills a gap in a text or a file.",
        discussion: """
            The gap is between --prefix and --suffix, or at the --cursor in a --file. Writes what \
            belongs there and nothing else (on a terminal, a line end after it). Needs a model \
            trained to fill gaps, such as DeepSeek Coder, Coder-V2-Lite or V3.

            Where the texts and --max-tokens do not fit the context together, the texts lose what is \
            farthest from the gap, and standard error says how much. The text before the gap gets \
            three quarters of the room and the one after it a quarter; what one of them does not \
            need is the other's.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Option(help: "The text before the gap; - reads it from standard input.")
    var prefix: String?

    @Option(help: "The text after the gap; - reads it from standard input.")
    var suffix: String?

    @Option(help: "A file with the gap, in place of --prefix and --suffix.")
    var file: String?

    @Option(
        help: """
            Where in the file the gap is, as LINE:COLUMN, both counted from 1; columns are UTF-16 \
            units, as in most editors.
            """)
    var cursor: CursorArgument?

    @Flag(help: "Write the completed file in place of --file, instead of what was added.")
    var inPlace = false

    @OptionGroup var sampling: SamplingOptions

    @Flag(help: "Write one JSON object when done.")
    var json = false

    @OptionGroup var load: LoadOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        let hasTexts = prefix != nil || suffix != nil
        guard hasTexts != (file != nil) else {
            throw ValidationError("give --prefix and --suffix, or --file and --cursor")
        }
        guard (file == nil) == (cursor == nil) else {
            throw ValidationError(
                file == nil
                    ? "--cursor is a place in a --file" : "--file needs a --cursor, as LINE:COLUMN")
        }
        if prefix == "-", suffix == "-" {
            throw ValidationError("only one of --prefix and --suffix can be standard input")
        }
        if inPlace, file == nil || file == "-" {
            throw ValidationError("--in-place needs a --file to write")
        }
    }

    func run() async throws {
        let (before, after) = try texts()
        let loaded = try await load.load(model, threads: threads)
        let filling = try FillInMiddle(loaded.tokenizer)
        let context = loaded.contextLength
        let maximum = sampling.maxTokens ?? max(1, min(256, context / 4))
        guard
            let prompt = filling.prompt(
                prefix: before, suffix: after, limit: max(0, context - min(context, maximum)))
        else {
            throw GenerationError.contextOverflow(
                promptTokens: filling.prompt(prefix: before, suffix: after).count,
                maximumTokens: maximum, contextLength: context)
        }
        if prompt.isTrimmed {
            StandardError.write(
                "the texts are longer than the context: \(prompt.trimmedPrefixTokens) tokens at "
                    + "the beginning and \(prompt.trimmedSuffixTokens) at the end were left out\n")
        }
        var request = GenerationRequest(
            prompt: prompt.tokenIDs, sampling: sampling.parameters(from: .init()),
            maximumTokens: maximum)
        request.stopTokens = filling.stopTokens
        request.opening = .content
        var middle = ""
        var usage = Usage()
        for try await event in loaded.generate(request) {
            switch event {
            case .text(let piece), .reasoning(let piece):
                middle += piece
                if !json, !inPlace { StandardOutput.write(Terminal.safe(piece)) }
            case .finished(let final): usage = final
            case .token, .toolCall: break
            }
        }
        if !json, !inPlace, StandardOutput.isTerminal { StandardOutput.write("\n") }
        if inPlace { try write(before + middle + after, over: before + after) }
        if json { write(middle, prompt, usage) }
        if usage.finishReason == .length {
            StandardError.write(
                "the model had not ended after \(maximum) tokens; --max-tokens allows more\n")
        }
    }

    /// What stands before the gap and after it.
    private func texts() throws -> (prefix: String, suffix: String) {
        guard let file, let cursor else {
            func text(_ option: String?) throws -> String {
                try option == "-" ? StandardInput.text() : option ?? ""
            }
            return (try text(prefix), try text(suffix))
        }
        do {
            return try FillInMiddle.split(try TextFile.read(file), at: cursor.place)
        } catch FillInMiddleError.cursorOutOfRange(_, let limit) {
            throw ToolError(
                "\(file): --cursor \(cursor) is outside of the text, which has \(limit)")
        } catch FillInMiddleError.cursorInsideCharacter {
            throw ToolError("\(file): --cursor \(cursor) is inside of a character; move it by one")
        }
    }

    /// Replaces the file, unless somebody changed it meanwhile.
    private func write(_ text: String, over old: String) throws {
        guard let file else { return }
        guard try TextFile.read(file).utf8.elementsEqual(old.utf8) else {
            throw ToolError("\(file): changed while its gap was being filled; nothing was written")
        }
        try AtomicFile.replace(file, with: Array(text.utf8))
    }

    private func write(_ middle: String, _ prompt: FillInMiddle.FittedPrompt, _ usage: Usage) {
        let object = JSONObject([
            ("text", .string(middle)),
            ("trimmed_prefix_tokens", .integer(prompt.trimmedPrefixTokens)),
            ("trimmed_suffix_tokens", .integer(prompt.trimmedSuffixTokens)),
            ("usage", usage.json),
        ])
        StandardOutput.write(JSONValue.object(object).serialized() + "\n")
    }
}

/// `LINE:COLUMN`, both counted from 1.
struct CursorArgument: ExpressibleByArgument, CustomStringConvertible {
    let line: Int
    let column: Int

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let line = Int(parts[0]), let column = Int(parts[1]), line > 0,
            column > 0
        else { return nil }
        self.line = line
        self.column = column
    }

    var place: Cursor { .line(line - 1, utf16Column: column - 1) }

    var description: String { "\(line):\(column)" }
}

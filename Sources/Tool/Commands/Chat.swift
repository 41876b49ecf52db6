import ArgumentParser
import FathomGeneration
import FathomJSON
import FathomText

struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds a conversation with a model.",
        discussion: """
            With --message, or when standard input is not a terminal, answers once and ends. \
            In a conversation, /help lists the commands and Ctrl-C stops an answer. A model without \
            a chat template can be given one, or its texts continued with `fathom generate`.

            With --json, each call of a tool is a line {"tool_call": …} as soon as it is whole; the \
            last line is {"message": …, "usage": …} with the message as it joins the conversation.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String = ModelArgument.standard

    @Option(name: .shortAndLong, help: "Answer this message and end.")
    var message: String?

    @Option(help: "What the model is told before the conversation.")
    var system: String?

    @Option(help: "JSON file with a list of functions the model may call, as OpenAI writes them.")
    var tools: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Have the model reason first, or not, where it can be told.")
    var think: Bool?

    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Hide the reasoning that precedes an answer.")
    var hideReasoning = false

    @Flag(help: "Write JSON lines; for a single message.")
    var json = false

    func run() async throws {
        if json, message == nil, StandardInput.isTerminal {
            throw ValidationError("--json answers a single message; give it with --message")
        }
        let functions = try tools.map(ToolsFile.read) ?? []
        let single = try message ?? (StandardInput.isTerminal ? nil : StandardInput.text())
        let loaded = try await load.load(model, threads: threads)
        _ = try loaded.format
        // DeepSeek-R1's published setting; reasonable for small chat models too.
        let standard = SamplingParameters(temperature: 0.6, topP: 0.95)
        let session = ChatSession(
            loaded, system: system, tools: functions, thinks: think,
            sampling: sampling.parameters(from: standard), maximumTokens: sampling.maxTokens)
        if let single {
            _ = try await answer(session.respond(to: single))
            return
        }
        try await converse(session)
    }

    private func converse(_ session: ChatSession) async throws {
        StandardOutput.write(
            Terminal.dim("\(model). /help lists the commands, Ctrl-D ends.") + "\n")
        var editor = LineEditor()
        var usage: Usage?
        var results: [String] = []
        while true {
            switch try editor.read(prompt: "> ", continuation: "… ") {
            case .end: return
            case .interrupted: continue
            case .text(let text):
                let message = text.trimmed
                if message.isEmpty { continue }
                do {
                    guard message.hasPrefix("/") else {
                        results = []
                        usage = try await answer(session.respond(to: text))
                        continue
                    }
                    switch ChatCommand.run(message, session, usage, results: &results) {
                    case .end: return
                    case .done: continue
                    case .results(let all):
                        results = []
                        usage = try await answer(session.respond(toToolResults: all))
                    }
                } catch {
                    StandardError.write("\(error)\n")
                }
            }
        }
    }

    /// Writes the answer as it comes; Ctrl-C ends it.
    private func answer(
        _ events: AsyncThrowingStream<GenerationEvent, any Error>
    ) async throws -> Usage? {
        Interrupt.begin()
        defer { Interrupt.end() }
        var writer = AnswerWriter(isJSON: json, hidesReasoning: hideReasoning)
        for try await event in events {
            writer.write(event)
            if Interrupt.isPending { break }
        }
        writer.finish()
        return writer.usage
    }
}

/// Writes an answer, for a reader or as JSON lines.
private struct AnswerWriter {
    let isJSON: Bool
    let hidesReasoning: Bool
    private(set) var usage: Usage?
    private var message = AssistantMessage()
    private var isReasoning = false
    private var isAtLineStart = true

    init(isJSON: Bool, hidesReasoning: Bool) {
        self.isJSON = isJSON
        self.hidesReasoning = hidesReasoning
    }

    mutating func write(_ event: GenerationEvent) {
        switch event {
        case .reasoning(let piece):
            message.reasoning += piece
            isReasoning = true
            if !hidesReasoning { show(piece, Terminal.dim) }
        case .text(let piece):
            message.content += piece
            endReasoning()
            show(piece)
        case .toolCall(let call):
            message.toolCalls.append(call)
            endReasoning()
            if isJSON {
                writeLine([("tool_call", call.json())])
            } else {
                if !isAtLineStart { show("\n") }
                show("\(call.name) \(call.arguments)\n", Terminal.dim)
            }
        case .token: break
        case .finished(let final): usage = final
        }
    }

    func finish() {
        if isJSON {
            writeLine([("message", message.json)] + (usage.map { [("usage", $0.json)] } ?? []))
        } else if !isAtLineStart || message.toolCalls.isEmpty {
            StandardOutput.write("\n")
        }
        if usage?.finishReason == .contextFull {
            StandardError.write("the context is full; /clear begins anew\n")
        }
    }

    private mutating func endReasoning() {
        if isReasoning, !hidesReasoning { show("\n") }
        isReasoning = false
    }

    private mutating func show(_ text: String, _ style: (String) -> String = { $0 }) {
        guard !isJSON, !text.isEmpty else { return }
        isAtLineStart = text.utf8.last == 0x0a
        StandardOutput.write(style(Terminal.safe(text)))
    }

    private func writeLine(_ pairs: [(String, JSONValue)]) {
        StandardOutput.write(JSONValue.object(JSONObject(pairs)).serialized() + "\n")
    }
}

/// The file that says which functions a model may call.
enum ToolsFile {
    /// Reads a list of `{"type": "function", "function": {"name": …}}`.
    static func read(_ path: String) throws -> [JSONValue] {
        guard let tools = try TextFile.json(path).arrayValue, !tools.isEmpty else {
            throw ToolError("\(path): expected a list of tools that is not empty")
        }
        for (index, tool) in tools.enumerated() {
            guard tool["type"]?.stringValue == "function",
                tool["function"]?["name"]?.stringValue?.isEmpty == false
            else {
                throw ToolError(
                    "\(path): entry \(index) is no function; expected "
                        + #"{"type": "function", "function": {"name": …}}"#)
            }
        }
        return tools
    }
}

import ArgumentParser
import FathomGeneration
import FathomModels
import FathomText

struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds a conversation with a model.",
        discussion: """
            With --message, or when standard input is not a terminal, answers once and ends. \
            In a conversation, /help lists the commands and Ctrl-C stops an answer.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String = ModelArgument.standard

    @Option(name: .shortAndLong, help: "Answer this message and end.")
    var message: String?

    @Option(help: "What the model is told before the conversation.")
    var system: String?

    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var threads: ThreadOptions

    @Flag(help: "Hide the reasoning that precedes an answer.")
    var hideReasoning = false

    func run() async throws {
        let single = try message ?? (StandardInput.isTerminal ? nil : StandardInput.text())
        let loaded = try await load.load(model, threads: threads)
        // DeepSeek-R1's published setting; reasonable for small chat models too.
        let standard = SamplingParameters(temperature: 0.6, topP: 0.95)
        let session = ChatSession(
            loaded, system: system, sampling: sampling.parameters(from: standard),
            maximumTokens: sampling.maxTokens)
        if let single {
            _ = try await answer(single, in: session)
            return
        }
        try await converse(session)
    }

    private func converse(_ session: ChatSession) async throws {
        StandardOutput.write(
            Terminal.dim("\(model). /help lists the commands, Ctrl-D ends.") + "\n")
        var editor = LineEditor()
        var usage: Usage?
        while true {
            switch try editor.read(prompt: "> ", continuation: "… ") {
            case .end: return
            case .interrupted: continue
            case .text(let text):
                let message = text.trimmed
                if message.isEmpty { continue }
                if message.hasPrefix("/") {
                    guard ChatCommand.run(message, session, usage) else { return }
                    continue
                }
                do {
                    usage = try await answer(text, in: session)
                } catch {
                    StandardError.write("\(error)\n")
                }
            }
        }
    }

    /// Writes the answer as it comes; Ctrl-C ends it.
    private func answer(_ message: String, in session: ChatSession) async throws -> Usage? {
        Interrupt.begin()
        defer { Interrupt.end() }
        var usage: Usage?
        var isReasoning = false
        for try await event in session.respond(to: message) {
            switch event {
            case .reasoning(let piece):
                isReasoning = true
                if !hideReasoning { StandardOutput.write(Terminal.dim(Terminal.safe(piece))) }
            case .text(let piece):
                if isReasoning, !hideReasoning { StandardOutput.write("\n") }
                isReasoning = false
                StandardOutput.write(Terminal.safe(piece))
            case .token: break
            case .finished(let final): usage = final
            }
            if Interrupt.isPending { break }
        }
        StandardOutput.write("\n")
        if usage?.finishReason == .contextFull {
            StandardError.write("the context is full; /clear begins anew\n")
        }
        return usage
    }
}

/// The commands of a conversation.
private enum ChatCommand {
    /// Runs a command; gives whether the conversation goes on.
    static func run(_ line: String, _ session: ChatSession, _ usage: Usage?) -> Bool {
        let words = line.split(separator: " ", maxSplits: 1)
        let argument = words.count > 1 ? String(words[1]).trimmed : ""
        switch words.first {
        case "/help": StandardOutput.write(help)
        case "/quit", "/exit", "/bye": return false
        case "/clear":
            session.messages = session.messages.filter { $0.role == "system" }
            note("The conversation is empty again.")
        case "/undo":
            var messages = session.messages
            while let last = messages.popLast(), last.role != "user" {}
            session.messages = messages
            note("The last message and its answer are gone.")
        case "/system":
            let others = session.messages.filter { $0.role != "system" }
            session.messages = (argument.isEmpty ? [] : [.system(argument)]) + others
            note(argument.isEmpty ? "No system message." : "System message set.")
        case "/set": set(argument, session)
        case "/show": show(session)
        case "/stats": showStatistics(usage)
        default: note("There is no command \(words.first ?? ""); /help lists them.")
        }
        return true
    }

    private static let help = """
        /clear                 begin a new conversation
        /undo                  take back the last message and its answer
        /system TEXT           set the system message; without text, remove it
        /set NAME VALUE        temperature, top-k, top-p, min-p, repetition-penalty
        /show                  the conversation so far
        /stats                 tokens and speed of the last answer
        /quit                  end (also Ctrl-D)
        A line that ends in \\ goes on in the next; \"\"\" begins and ends several lines.

        """

    private static func note(_ text: String) {
        StandardOutput.write(Terminal.dim(text) + "\n")
    }

    private static func set(_ argument: String, _ session: ChatSession) {
        let words = argument.split(separator: " ")
        guard words.count == 2, let value = Float(words[1]), value.isFinite else {
            note("Write /set NAME VALUE, for example /set temperature 0.2")
            return
        }
        var parameters = session.sampling
        switch words[0] {
        case "temperature": parameters.temperature = value
        case "top-k": parameters.topK = Int(exactly: value) ?? -1
        case "top-p": parameters.topP = value
        case "min-p": parameters.minP = value
        case "repetition-penalty": parameters.repetitionPenalty = value
        default:
            note("\(words[0]) is none of temperature, top-k, top-p, min-p, repetition-penalty.")
            return
        }
        do {
            try parameters.validate(vocabularySize: session.model.model.vocabularySize)
            session.sampling = parameters
            note("\(words[0]) is \(words[1]) now.")
        } catch {
            note("\(error)")
        }
    }

    private static func show(_ session: ChatSession) {
        for message in session.messages {
            StandardOutput.write("\(Terminal.dim(message.role + ":")) \(message.content)\n")
        }
    }

    private static func showStatistics(_ usage: Usage?) {
        guard let usage else {
            note("There was no answer yet.")
            return
        }
        note(
            "\(usage.promptTokens) prompt tokens, \(usage.cachedPromptTokens) of them cached, read "
                + "at \(Format.number(usage.prefillTokensPerSecond)) tokens/s; "
                + "\(usage.completionTokens) generated at "
                + "\(Format.number(usage.decodeTokensPerSecond)) tokens/s; "
                + "\(usage.acceptedTokens) of \(usage.proposedTokens) guesses right")
    }
}

extension String {
    fileprivate var trimmed: String {
        var slice = self[...]
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}

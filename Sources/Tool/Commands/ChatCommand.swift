import FathomGeneration
import FathomModels
import FathomText

/// The commands of a conversation.
enum ChatCommand {
    /// What comes after a command.
    enum Outcome {
        case done
        case end
        /// The results of all calls are there, and the model goes on with them.
        case results([String])
    }

    /// Runs a command; `results` are those given so far for the last answer's calls.
    static func run(
        _ line: String, _ session: ChatSession, _ usage: Usage?, results: inout [String]
    ) -> Outcome {
        let words = line.split(separator: " ", maxSplits: 1)
        let argument = words.count > 1 ? String(words[1]).trimmed : ""
        switch words.first {
        case "/help": StandardOutput.write(help)
        case "/quit", "/exit", "/bye": return .end
        case "/result":
            return add(argument, to: &results, session)
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
        return .done
    }

    private static let help = """
        /clear                 begin a new conversation
        /undo                  take back the last message and its answer
        /system TEXT           set the system message; without text, remove it
        /set NAME VALUE        temperature, top-k, top-p, min-p, repetition-penalty
        /result TEXT           give what a tool returned, once for each call in its order
        /show                  the conversation so far
        /stats                 tokens and speed of the last answer
        /quit                  end (also Ctrl-D)
        A line that ends in \\ goes on in the next; \"\"\" begins and ends several lines.

        """

    private static func note(_ text: String) {
        StandardOutput.write(Terminal.dim(text) + "\n")
    }

    private static func add(
        _ result: String, to results: inout [String], _ session: ChatSession
    ) -> Outcome {
        let calls = session.openToolCalls
        guard !calls.isEmpty else {
            note("The last answer calls no tool.")
            return .done
        }
        results.append(result)
        if results.count >= calls.count { return .results(results) }
        note(
            "\(results.count) of \(calls.count) results; next is that of "
                + "\(Terminal.printable(calls[results.count].name)).")
        return .done
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
            let calls = message.toolCalls.map { "\n\($0.name) \($0.arguments)" }.joined()
            let text = Terminal.safe(message.content + calls)
            StandardOutput.write("\(Terminal.dim(message.role + ":")) \(text)\n")
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
    /// Without white space at its ends.
    var trimmed: String {
        var slice = self[...]
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}

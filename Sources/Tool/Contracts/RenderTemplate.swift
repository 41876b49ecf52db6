import ArgumentParser
import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomText

struct RenderTemplate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template",
        abstract: "Writes the prompt that a chat template makes of messages.",
        discussion: """
            Reads JSON with `messages` and, optionally, `tools`, `add_generation_prompt` and any \
            other variable of the template. Writes the prompt's text and nothing else.
            """,
        shouldDisplay: false)

    @Argument(help: "Folder or .gguf file whose template is used.")
    var model: String?

    @Option(help: "A template file, in place of a model's.")
    var template: String?

    @Option(help: "JSON file with the messages.")
    var messages: String

    func validate() throws {
        guard (model == nil) != (template == nil) else {
            throw ValidationError("give either MODEL or --template FILE")
        }
    }

    func run() throws {
        let value = try TextFile.json(messages)
        guard var variables = value.objectValue else {
            throw ToolError("\(messages): expected a JSON object with 'messages'")
        }
        let source: String
        if let template {
            source = try TextFile.read(template)
        } else {
            let tokenizer = try TokenizerArgument.open(model ?? "")
            guard let own = tokenizer.chatTemplate else { throw ChatError.noTemplate }
            source = own
            for (name, id) in [
                ("bos_token", tokenizer.beginOfSequence), ("eos_token", tokenizer.endOfSequence),
            ] where variables[name] == nil {
                if let id, let text = tokenizer.token(id) { variables[name] = .string(text) }
            }
        }
        StandardOutput.write(try ChatTemplate(source).render(variables))
    }
}

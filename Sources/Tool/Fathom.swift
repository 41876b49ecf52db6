import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@main
struct Fathom: AsyncParsableCommand {
    static func main() async {
        // A reader that closes is found out at the next write, which ends the tool quietly.
        signal(SIGPIPE, SIG_IGN)
        await main(nil)
    }

    static let configuration = CommandConfiguration(
        commandName: "fathom",
        abstract: "Runs the DeepSeek family of models on this machine.",
        discussion: """
            MODEL is a folder in Hugging Face layout, a .gguf file, or a name that `fathom list` \
            shows; a name is fetched when it is first used.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Talk", subcommands: [Chat.self, Generate.self]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    Pull.self, List.self, Remove.self, Inspect.self, Convert.self, Quantize.self,
                ]),
            CommandGroup(name: "Measure", subcommands: [Bench.self, Evaluate.self, Doctor.self]),
            CommandGroup(
                name: "Contracts",
                subcommands: [
                    Logits.self, ComputeGradients.self, Tokenize.self, Detokenize.self,
                    RenderTemplate.self, Dequantize.self,
                ]),
        ])
}

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
        // So is a file longer than the shell allows (`ulimit -f`), which is then a full disk.
        signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    /// Says what went wrong, or the help that was asked for. Names in files may be in an error, so
    /// their control characters are spelled out.
    private static func end(with error: any Error) -> Never {
        let code = (error as? Stopped).map { ExitCode($0.status) } ?? exitCode(for: error)
        let message = Terminal.printable(fullMessage(for: error))
        if !message.isEmpty {
            code.isSuccess
                ? StandardOutput.write(message + "\n") : StandardError.write(message + "\n")
        }
        exit(withError: code)
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
            CommandGroup(name: "Talk", subcommands: [Chat.self, Generate.self, Complete.self]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    Pull.self, List.self, Remove.self, Inspect.self, Convert.self, Quantize.self,
                ]),
            CommandGroup(
                name: "Vectors",
                subcommands: [Index.self, Search.self, Collections.self, Embed.self]),
            CommandGroup(name: "Measure", subcommands: [Bench.self, Evaluate.self, Doctor.self]),
            CommandGroup(
                name: "Contracts",
                subcommands: [
                    Logits.self, ComputeGradients.self, Tokenize.self, Detokenize.self,
                    RenderTemplate.self, Dequantize.self,
                ]),
        ])
}

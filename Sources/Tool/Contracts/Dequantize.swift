import ArgumentParser
import FathomCheckpoints
import FathomTensors

struct Dequantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dequantize",
        abstract: "Writes a tensor of a GGUF file as F32.",
        shouldDisplay: false)

    @Argument(help: ".gguf file.")
    var file: String

    @Option(help: "Name of the tensor.")
    var tensor: String

    @Option(help: "Safetensors file to write.")
    var output: String

    func run() throws {
        let gguf = try GGUFFile(path: file)
        let stored = try gguf.tensor(tensor)
        guard stored.dtype.canDecode else {
            throw ToolError(
                "\(file): '\(tensor)' is \(stored.dtype.name), which holds no numbers "
                    + "that F32 could stand for")
        }
        let decoded = stored.dequantized()
        try gguf.checkIntact()
        try SafetensorsWriter.write([(tensor, decoded)], to: output)
    }
}

import ArgumentParser
import FathomCheckpoints
import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Converts between a Hugging Face folder and a GGUF file.",
        discussion: """
            OUTPUT that ends in .gguf becomes a GGUF file, anything else a folder. A folder's \
            weights keep their type unless --type says otherwise.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Argument(help: "The .gguf file or folder to write.")
    var output: String

    @Option(help: "f32, f16 or bf16; for a GGUF file also a quantised type such as Q4_K.")
    var type: String?

    @Option(help: "What tokenizer.ggml.pre says, where tokenizer.json does not tell.")
    var pretokenizer: String?

    func run() throws {
        let path = try ModelArgument.localPath(model)
        let progress = ConversionLine()
        let report: ConversionReport
        switch (try Checkpoint.open(path), output.hasSuffix(".gguf")) {
        case (.folder(let folder), true):
            let policy = try type.map(QuantizationArgument.policy) ?? .asStored
            report = try folder.writeGGUF(
                to: output, policy, pretokenizer: pretokenizer, progress: progress.show)
        case (.gguf(let file), false):
            let target = type ?? "f16"
            guard let dtype = DType(named: target), dtype.isPlainFloat else {
                throw ToolError("--type is '\(target)'; a folder holds 'f32', 'f16' or 'bf16'")
            }
            report = try file.writeFolder(to: output, dtype, progress: progress.show)
        case (.gguf, true):
            throw ToolError(
                "\(model): is a GGUF file already; `fathom quantize` changes its number formats")
        case (.folder, false):
            throw ToolError(
                "\(model): is a folder already; give an OUTPUT that ends in .gguf")
        }
        progress.finish(report)
    }
}

struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model with its weights in fewer bits.",
        discussion: """
            Types: Q8_0 Q6_K Q5_K Q5_1 Q5_0 Q4_K Q4_1 Q4_0 Q3_K Q2_K IQ4_NL IQ4_XS MXFP4 TQ1_0 \
            TQ2_0, Q4_K_M and Q5_K_M (which keep sensitive layers in Q6_K), F16, BF16, F32.
            """)

    @Argument(help: "Folder, .gguf file or catalogue name.")
    var model: String

    @Argument(help: "The .gguf file to write.")
    var output: String

    @Option(help: "Type of the weight matrices.")
    var type = "Q4_K_M"

    @Option(help: "Type of the token embedding, where it is to differ.")
    var embeddingType: String?

    @Option(help: "Type of the output matrix, where it is to differ.")
    var outputType: String?

    func run() throws {
        let path = try ModelArgument.localPath(model)
        var policy = try QuantizationArgument.policy(type)
        policy.embeddingType = try embeddingType.map(QuantizationArgument.type)
        policy.outputType = try outputType.map(QuantizationArgument.type)
        let progress = ConversionLine()
        let report: ConversionReport
        switch try Checkpoint.open(path) {
        case .folder(let folder):
            report = try folder.writeGGUF(to: output, policy, progress: progress.show)
        case .gguf(let file):
            report = try file.quantize(to: output, policy, progress: progress.show)
        }
        progress.finish(report)
    }
}

/// Number formats as flags name them.
private enum QuantizationArgument {
    static func policy(_ name: String) throws -> QuantizationPolicy {
        guard let policy = QuantizationPolicy(named: name) else { throw unknown(name) }
        return policy
    }

    static func type(_ name: String) throws -> DType {
        guard let type = DType(named: name), type.canEncode, type.rawValue < 1000 else {
            throw unknown(name)
        }
        return type
    }

    private static func unknown(_ name: String) -> ToolError {
        ToolError("'\(name)' is no type that can be written; `fathom quantize --help` lists them")
    }
}

/// How far a conversion is, on standard error. Ctrl-C and a polite kill end it between two
/// tensors, so that no half file is left.
private struct ConversionLine {
    init() {
        Interrupt.begin([SIGINT, SIGTERM, SIGHUP])
    }

    func show(_ progress: ConversionProgress) throws {
        if let stopped = Interrupt.stopped { throw stopped }
        guard StandardError.isTerminal else { return }
        StandardError.write(
            "\r\u{1B}[K\(progress.finishedCount + 1) of \(progress.tensorCount): "
                + "\(progress.name), \(progress.from.name) to \(progress.to.name)")
    }

    func finish(_ report: ConversionReport) {
        if StandardError.isTerminal { StandardError.write("\r\u{1B}[K") }
        for note in report.notes { StandardError.write("note: \(note)\n") }
        StandardError.write(
            "\(report.path): \(report.tensorCount) tensors, \(Format.bytes(report.byteCount))\n")
    }
}

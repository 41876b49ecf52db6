import ArgumentParser
import FathomGeneration
import FathomHub
import FathomRetrieval
import FathomText

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

struct IndexText: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract: "Indexes the texts of a folder for search by meaning and by words.",
        discussion: """
            Markdown, source code and other UTF-8 text is cut into passages, which are embedded by \
            a model on this machine and listed by their words. Hidden files, links and what is no \
            text are passed over. Run again, only what has changed is read and embedded; ended \
            before it is done, the index stays as it was. `fathom search INDEX --text QUESTION` \
            asks it.
            """)

    @Argument(help: "Folder of documents.")
    var folder: String

    @Option(help: ArgumentHelp("Folder of the index.", valueName: "folder"))
    var output: String

    @Option(help: "Embedder: a sentence encoder, or any other MODEL.")
    var model = Catalogue.defaultEmbedderName

    @Option(
        help: ArgumentHelp(
            "Index of vectors, by Faiss's words, such as Flat or HNSW32.", valueName: "string"))
    var factory = "Flat"

    @Option(
        help: ArgumentHelp(
            "Most tokens of a passage; as many as the embedder takes by default.",
            valueName: "count"))
    var passageTokens: Int?

    @Option(
        help: ArgumentHelp(
            "Most tokens that a passage repeats of the one before.", valueName: "count"))
    var overlapTokens = 32

    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if let passageTokens, !(8...1 << 20).contains(passageTokens) {
            throw ValidationError("--passage-tokens is \(passageTokens); it must be 8 or more")
        }
        guard (0...1 << 20).contains(overlapTokens) else {
            throw ValidationError("--overlap-tokens is \(overlapTokens); it must be 0 or more")
        }
    }

    func run() async throws {
        let embedder = try await Embedder.load(model, threads: threads)
        var settings = TextIndexSettings(model: embedder.name)
        settings.factory = factory
        settings.passageTokens = passageTokens
        settings.overlapTokens = overlapTokens
        let indexer = TextIndexer(
            folder: folder, index: output, encoder: embedder.encoder, settings: settings)
        let start = ContinuousClock.now
        let line = TextIndexLine()
        defer { line.close() }
        let signals = [SIGINT, SIGTERM, SIGHUP]
        Interrupt.begin(signals)
        defer { Interrupt.end(signals) }
        let report: TextIndexReport
        do {
            report = try indexer.update(
                progress: line.show, isCancelled: { Interrupt.isPending })
        } catch RetrievalError.cancelled {
            throw Interrupt.stopped ?? Stopped(signal: SIGINT)
        }
        line.close()
        StandardError.write(
            Self.describe(report, output, seconds: (ContinuousClock.now - start).inSeconds))
    }

    private static func describe(
        _ report: TextIndexReport, _ output: String, seconds: Double
    ) -> String {
        var text = "\(output): \(report.passageCount) passages of \(report.fileCount) files"
        if report.isUnchanged {
            text += ", unchanged"
        } else {
            let changes = [
                (report.addedFiles, "new"), (report.changedFiles, "changed"),
                (report.removedFiles, "gone"),
            ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            if !changes.isEmpty { text += " (\(changes.joined(separator: ", ")))" }
            if report.embeddedPassages > 0 {
                let rate = Double(report.embeddedPassages) / max(seconds, 1e-3)
                text += ", \(report.embeddedPassages) embedded, \(Format.fixed(rate, 1))/s"
            }
        }
        text += "\n"
        if let reason = report.rebuildReason { text += "everything was indexed anew: \(reason)\n" }
        if !report.skippedFiles.isEmpty {
            let skipped = report.skippedFiles.sorted { $0.key < $1.key }
                .map { "\($0.value) \($0.key)" }
            text += "passed over: \(skipped.joined(separator: ", "))\n"
        }
        return text
    }
}

/// An embedder and the name under which an index remembers it.
struct Embedder {
    let encoder: SentenceEncoder
    let name: String

    /// Opens what a MODEL argument leads to, fetched first if need be.
    static func load(_ model: String, threads: ThreadOptions) async throws -> Embedder {
        let path = try await ModelArgument.path(model)
        threads.apply()
        let encoder = try SentenceEncoder(contentsOf: path)
        for warning in encoder.tokenizer.warnings {
            StandardError.write("warning: \(warning)\n")
        }
        // A path must lead there from elsewhere too.
        let isPath = access(model, F_OK) == 0
        return Embedder(encoder: encoder, name: isPath ? Self.absolute(path) : model)
    }

    private static func absolute(_ path: String) -> String {
        guard let text = realpath(path, nil) else { return path }
        defer { free(text) }
        return String(cString: text)
    }
}

/// Shows how far an index is on standard error: one line that changes on a terminal, now and then a
/// line elsewhere.
private final class TextIndexLine {
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?
    private var isOpen = false

    func show(_ progress: TextIndexProgress) {
        let pause: Duration = StandardError.isTerminal ? .milliseconds(100) : .seconds(30)
        let now = ContinuousClock.now
        guard now - (last ?? start) >= pause else { return }
        last = now
        let seconds = (now - start).inSeconds
        let text =
            "\(progress.completedFiles) of \(progress.fileCount) files, "
            + "\(progress.embeddedPassages) of \(progress.newPassages) passages embedded, "
            + "\(Format.fixed(Double(progress.embeddedPassages) / max(seconds, 1e-3), 1))/s"
        guard StandardError.isTerminal else { return StandardError.write("\(text)\n") }
        StandardError.write("\r\u{1B}[K\(text)")
        isOpen = true
    }

    func close() {
        if isOpen { StandardError.write("\r\u{1B}[K") }
        isOpen = false
    }
}

import ArgumentParser
import FathomTensors
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

struct BuildIndex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Trains an index of vectors and fills it.",
        discussion: """
            The factory string names the index as Faiss does: Flat, SQ8, PQ16, RQ8x8, LSQ8x8, \
            LSH, RaBitQ4, HNSW32, NSG32, IVF256,PQ16 or OPQ16,IVF1024_HNSW32,PQ16x4fs; IDMap \
            and RFlat may go around it. Vectors are read from .fvecs and .npy files, or from safetensors with a tensor \
            'vectors'.
            """)

    /// How nearness is measured.
    enum NearnessMetric: String, ExpressibleByArgument, CaseIterable {
        case l2
        case ip

        var metric: Metric { self == .l2 ? .l2 : .innerProduct }
    }

    @Option(help: ArgumentHelp("Index to build.", valueName: "string"))
    var factory: String

    @Option(help: ArgumentHelp("Vectors to train on; those to add if left out.", valueName: "file"))
    var train: String?

    @Option(help: ArgumentHelp("Vectors to add.", valueName: "file"))
    var add: String

    @Option(help: "Squared Euclidean distance, or inner product.")
    var metric = NearnessMetric.l2

    @Option(
        help: ArgumentHelp("Name of the tensor in safetensors files.", valueName: "name"))
    var tensor = "vectors"

    @Option(help: ArgumentHelp("Index file to write.", valueName: "file"))
    var output: String

    @OptionGroup var threads: ThreadOptions

    func run() throws {
        let threads = threads.threads ?? ThreadPool.coreCount
        let added = try rows(add)
        let description = try IndexDescription(
            factory, dimension: added.dimension, metric: metric.metric)
        var builder = try IndexBuilder(description)
        let line = StageLine()
        defer { line.close() }
        Interrupt.begin([SIGINT, SIGTERM, SIGHUP])
        if !builder.isTrained {
            let training = try train.map(rows) ?? added
            try located(train ?? add) {
                try builder.train(training, threads: threads) { Self.show($0, on: line) }
            }
        }
        try located(add) {
            try builder.add(added, threads: threads) { Self.show($0, on: line) }
        }
        if let stopped = Interrupt.stopped { throw stopped }
        // Once it is being written, a stop is heard when the file is whole.
        try builder.write(output)
        line.close()
        StandardError.write("\(output): \(builder.count) vectors of \(added.dimension)\n")
    }

    /// Shows how far a build is, and ends it on a signal: no file has been begun then.
    private static func show(_ progress: TrainingProgress, on line: StageLine) {
        guard let stopped = Interrupt.stopped else { return line.show(progress) }
        line.close()
        StandardError.write("Error: \(stopped)\n")
        // Other threads are still at work on what nobody will see; nothing is to be tidied.
        _exit(stopped.status)
    }

    /// Says of what training refuses which file it is about.
    private func located(_ path: String, _ body: () throws -> Void) throws {
        do { try body() } catch let error as TrainingError {
            throw ToolError("\(path): \(error)")
        }
    }

    private func rows(_ path: String) throws -> VectorRows {
        try QueryRows(path: path, tensor: tensor).vectors(path)
    }
}

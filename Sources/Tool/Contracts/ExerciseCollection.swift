import ArgumentParser
import FathomCheckpoints
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Changes a collection at random until it is killed, and tells a journal of each operation before
/// and after; begins by comparing the collection with what the journal says.
struct ExerciseCollection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exercise",
        abstract: "Changes a collection at random and checks it against a journal.",
        discussion: """
            For crash tests: an operation that the journal calls done must be there after any end, \
            the one that it calls begun whole or not at all.
            """,
        shouldDisplay: false)

    @Argument(help: "Collection; made if it is not there.")
    var folder: String

    @Argument(help: "Journal; begun if it is not there.")
    var journal: String

    @Option(help: "Seed of the operations.")
    var seed: UInt64 = 1

    @Option(help: "Operations to do; 0 to check only.")
    var operations = Int.max

    private static let dimension = 8
    private static let idCount: Int64 = 600

    /// The version of the vector of each id.
    private typealias Versions = [Int64: Int64]

    func run() throws {
        let collection: VectorCollection
        do {
            collection = try Collections.open(folder)
        } catch let error as CollectionError where error.isNotThere {
            collection = try VectorCollection.create(
                folder,
                CollectionSettings(
                    dimension: Self.dimension, factory: "HNSW8",
                    columns: [.init("version", .integer)], sealRows: 150, indexRows: 200))
        }
        var versions = try check(collection)
        let output = try Journal(journal, beginningWith: lines(of: versions))
        var random = Random(state: seed)
        var version = (versions.values.max() ?? 0) + 1
        for _ in 0..<operations {
            let first = Int64(random.next(UInt64(Self.idCount)))
            let ids = Array(first..<min(Self.idCount, first + 1 + Int64(random.next(20))))
            switch random.next(16) {
            case 0...11:
                try output.write("put \(first) \(ids.count) \(version)")
                try collection.add(
                    VectorRows(ids.flatMap { Self.vector($0, version) }, dimension: Self.dimension),
                    ids: ids, fields: ids.map { _ in ["version": .integer(version)] })
                for id in ids { versions[id] = version }
                version += 1
            case 12...14:
                try output.write("delete \(first) \(ids.count) 0")
                try collection.delete(ids)
                for id in ids { versions[id] = nil }
            default:
                try output.write("other 0 0 0")
                if random.next(4) == 0 { try collection.compact() } else { try collection.seal() }
            }
            try output.write("done")
        }
        try collection.waitForMaintenance()
        try collection.close()
    }

    private static func vector(_ id: Int64, _ version: Int64) -> [Float] {
        (0..<dimension).map { Float((id &* 31 &+ version &* 7 &+ Int64($0)) % 1009) }
    }

    private func lines(of versions: Versions) -> [String] {
        versions.sorted { $0.key < $1.key }.flatMap { ["put \($0.key) 1 \($0.value)", "done"] }
    }

    /// Compares the collection with the journal, and gives what it holds.
    private func check(_ collection: VectorCollection) throws -> Versions {
        let snapshot = collection.snapshot
        try snapshot.verify()
        var found: Versions = [:]
        for id in try snapshot.ids() {
            guard case .integer(let version) = snapshot.fields(of: id)?["version"] else {
                throw ToolError("vector \(id) has no version")
            }
            guard try snapshot.vector(of: id) == Self.vector(id, version) else {
                throw ToolError("vector \(id) is not that of version \(version)")
            }
            found[id] = version
        }
        guard let text = try? TextFile.read(journal) else {
            guard found.isEmpty else { throw ToolError("\(journal): is not there") }
            return found
        }
        var acknowledged: Versions = [:]
        var begun: Versions?
        for line in text.split(separator: "\n") {
            if line == "done" {
                acknowledged = begun ?? acknowledged
                begun = nil
                continue
            }
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int64($0) }
            // The last line may have been cut.
            guard words.count == 4, numbers.count == 3 else { continue }
            var next = acknowledged
            for id in numbers[0]..<numbers[0] + numbers[1] {
                next[id] = words[0] == "put" ? numbers[2] : nil
            }
            begun = next
        }
        guard found == acknowledged || found == begun else {
            let lost = acknowledged.filter {
                found[$0.key] != $0.value && begun?[$0.key] == $0.value
            }
            throw ToolError(
                "\(folder): differs from its journal: \(found.count) vectors, "
                    + "\(acknowledged.count) acknowledged, \(lost.count) of them lost or changed")
        }
        StandardOutput.write(
            "\(found.count) vectors as the journal says, "
                + (begun == nil
                    ? "nothing was on its way\n"
                    : found == acknowledged
                        ? "without what was on its way\n" : "with what was on its way\n"))
        return found
    }

    /// SplitMix64.
    private struct Random {
        var state: UInt64

        mutating func next(_ limit: UInt64) -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return (mixed ^ mixed >> 31) % limit
        }
    }

    /// Lines that are with the system before the next step is taken.
    private struct Journal {
        private let file: Int32

        /// Begins the journal anew with what is known, whole or not at all.
        init(_ path: String, beginningWith lines: [String]) throws {
            try AtomicFile.write(Array((lines + [""]).joined(separator: "\n").utf8), to: path)
            file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
            guard file >= 0 else { throw ToolError("\(path): \(String(cString: strerror(errno)))") }
        }

        func write(_ line: String) throws {
            let bytes = Array((line + "\n").utf8)
            guard writeBytes(file, bytes) == bytes.count else {
                throw ToolError("the journal: \(String(cString: strerror(errno)))")
            }
        }
    }
}

extension CollectionError {
    fileprivate var isNotThere: Bool {
        if case .notACollection = reason { true } else { false }
    }
}

/// `write(2)`, which the journal's own would hide.
private func writeBytes(_ file: Int32, _ bytes: [UInt8]) -> Int { write(file, bytes, bytes.count) }

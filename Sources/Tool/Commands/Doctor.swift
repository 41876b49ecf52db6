import ArgumentParser
import FathomHub
import FathomTensors

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine and says what to mend.")

    func run() throws {
        var rows: [[String]] = []
        rows.append(["instructions", InstructionLevel.active])
        if InstructionLevel.active != InstructionLevel.detected {
            rows.append(["", "the machine has \(InstructionLevel.detected); FATHOM_LEVEL chooses"])
        }
        rows.append([
            "matrix unit",
            InstructionLevel.matrixUnitAbsence.map { "none: \($0)" }
                ?? "AMX; FATHOM_LEVEL=amx uses it (untried on hardware)",
        ])
        rows.append(["cores", "\(ThreadPool.coreCount)"])
        rows.append(["memory", Format.bytes(Machine.memoryBytes)])
        let store = try ModelStore()
        rows.append(["models", store.home])
        var problems: [String] = []
        if let free = Machine.freeBytes(at: Self.existingParent(of: store.home)) {
            rows.append(["disk", "\(Format.bytes(free)) free"])
            if free < 1 << 30 {
                problems.append(
                    "less than 1 GB is free for models; set FATHOM_HOME to another disk")
            }
        }
        rows.append(["hub", store.settings.endpoint])
        rows.append(["offline", store.settings.isOffline ? "yes: nothing is fetched" : "no"])
        rows.append([
            "hub token", store.settings.token == nil ? "none (public models only)" : "set",
        ])
        do {
            let models = try store.list()
            rows.append(["installed", models.isEmpty ? "none" : "\(models.count) models"])
        } catch {
            problems.append("the model folder cannot be read: \(error)")
        }
        let check = Self.arithmeticCheck()
        rows.append(["arithmetic", check == nil ? "products agree at every level" : "differs"])
        if let check { problems.append(check) }
        StandardOutput.write(Table.lines(rows, indent: "").joined(separator: "\n") + "\n")
        if problems.isEmpty {
            StandardOutput.write("\nNothing to mend.\n")
        } else {
            StandardOutput.write("\n" + problems.map { "- \($0)\n" }.joined())
            throw ExitCode(1)
        }
    }

    private static func existingParent(of path: String) -> String {
        var path = path
        while Machine.freeBytes(at: path) == nil, let slash = path.lastIndex(of: "/"), path != "/" {
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        return path
    }

    /// Multiplies small integers, whose products every level must give exactly.
    private static func arithmeticCheck() -> String? {
        let (rows, columns) = (48, 64)
        let weights = (0..<(rows * columns)).map { Float(($0 * 7) % 13 - 6) }
        let x = (0..<columns).map { Float(($0 * 5) % 11 - 5) }
        let matrix = Matrix(Tensor(weights, shape: [rows, columns]))
        let y = linear(Tensor(x, shape: [1, columns]), matrix).floatArray()
        for row in 0..<rows {
            var expected: Float = 0
            for column in 0..<columns { expected += weights[row * columns + column] * x[column] }
            if y[row] != expected {
                return "a matrix product is wrong at level \(InstructionLevel.active); "
                    + "set FATHOM_LEVEL=reference and report this machine"
            }
        }
        return nil
    }
}

public import FathomTensors

/// The tensors of a GGUF file under their Hugging Face names, matrices as matrices.
///
/// Only names and divisions change. In files of the architecture `llama` the rows of the query and
/// key projections stay as they are stored, permuted for rotary pairs that stand side by side; see
/// `RotaryRows`. Experts that are stacked in one tensor are handed out one by one, and the heads of
/// a stacked projection as the rows of one matrix. Tensors that the table does not have keep their
/// GGUF names.
public struct GGUFNamedSource: CheckpointSource {
    public let file: GGUFFile
    public let names: [String]
    private let index: NameIndex
    private let places: [Place]

    /// Where a tensor lies.
    private struct Place {
        let ggufName: String
        /// Which of the stacked ones it is; `nil` for the whole.
        let member: Int?
    }

    /// Stacked experts are at most so many; a hostile file may not make a name for each row.
    private static let largestStack = 65_536

    /// - Throws: `GGUFError` if the file does not say its architecture or has two tensors of one
    ///   name; `NamingError` if there is no table for the architecture.
    public init(_ file: GGUFFile) throws {
        let architecture = try file.metadata.string("general.architecture")
        guard let table = TensorNames.of(architecture: architecture) else {
            throw NamingError(path: file.path, architecture: architecture)
        }
        var index = NameIndex()
        var places: [Place] = []
        func add(_ name: String, _ place: Place) throws {
            guard index.insert(name) else { throw GGUFError(file.path, .duplicateTensor(name)) }
            places.append(place)
        }
        for ggufName in file.names {
            let name = table.huggingFace(ggufName) ?? ggufName
            guard let parts = Self.stackedParts(name), let info = file.info(ggufName),
                info.shape.count == 3, info.shape[0] <= Self.largestStack
            else {
                try add(name, Place(ggufName: ggufName, member: nil))
                continue
            }
            for member in 0..<info.shape[0] {
                try add(
                    "\(parts.before)\(member)\(parts.after)",
                    Place(ggufName: ggufName, member: member))
            }
        }
        self.file = file
        self.index = index
        self.places = places
        names = index.names
    }

    /// The two parts of the name of stacked experts between which an expert's number goes.
    private static func stackedParts(_ name: String) -> (before: String, after: String)? {
        for projection in ["gate_proj", "up_proj", "down_proj"] {
            let suffix = ".\(projection).weight"
            if name.hasSuffix(".mlp.experts" + suffix) {
                return (String(name.dropLast(suffix.count)) + ".", suffix)
            }
        }
        return nil
    }

    public func info(_ name: String) -> TensorInfo? {
        guard let place = place(name), let whole = file.info(place.ggufName) else { return nil }
        var (shape, bytes) = (whole.shape, whole.byteCount)
        if place.member != nil {
            bytes /= shape[0]
            shape.removeFirst()
        } else if Self.isStackOfHeads(name), shape.count == 3 {
            shape = [shape[0] * shape[1], shape[2]]
        }
        return TensorInfo(name: name, dtype: whole.dtype, shape: shape, byteCount: bytes)
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let place = place(name), let info = info(name) else {
            throw CheckpointError.noTensor(name: name, path: file.path, tensorCount: names.count)
        }
        let whole = try file.tensor(place.ggufName)
        let part = place.member.map { whole[rows: $0..<($0 + 1)] } ?? whole
        return part.shape.sizes == info.shape ? part : part.reshaped(Shape(info.shape))
    }

    public func checkIntact() throws {
        try file.checkIntact()
    }

    private static func isStackOfHeads(_ name: String) -> Bool {
        name.hasSuffix(".k_b_proj.weight") || name.hasSuffix(".v_b_proj.weight")
    }

    private func place(_ name: String) -> Place? {
        index.position(of: name).map { places[$0] }
    }
}

/// An architecture whose tensor names are not known.
public struct NamingError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    public let architecture: String

    public init(path: String, architecture: String) {
        self.path = path
        self.architecture = architecture
    }

    public var description: String {
        "\(path): the architecture '\(architecture)' is not supported; expected "
            + TensorNames.architectures.map { "'\($0)'" }.joined(separator: " or ")
    }
}

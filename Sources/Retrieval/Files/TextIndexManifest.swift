import FathomCheckpoints
import FathomJSON

/// The file of an index that names the others: whoever reads it finds an index that is whole.
///
/// An index of generation N is `manifest.json`, `vectors-N.faiss`, `terms-N.safetensors`,
/// `passages-N.safetensors` and, unless the vectors are kept whole, `embeddings-N.safetensors`. A
/// new generation is written beside the old one and becomes the index when the manifest is replaced.
struct TextIndexManifest: Sendable, Equatable {
    struct File: Sendable, Equatable {
        var path: String
        var byteCount: Int
        var modified: Int
        var hash: UInt64
        var passageCount: Int
    }

    var generation: Int
    /// The folder of the documents, without links.
    var folder: String
    /// The embedder, as the person named it.
    var model: String
    var dimension: Int
    /// The vectors' index, in Faiss's words.
    var factory: String
    var passageTokens: Int
    var overlapTokens: Int
    var files: [File]

    static let name = "manifest.json"
    private static let format = "fathom-text-index"
    private static let version = 1

    var passageCount: Int { files.reduce(0) { $0 + $1.passageCount } }

    /// The index whose vectors are kept as they are, and serve as the embeddings too.
    static let wholeVectors = "Flat"
    var keepsWholeVectors: Bool { factory == Self.wholeVectors }

    var vectorsName: String { "vectors-\(generation).faiss" }
    var termsName: String { "terms-\(generation).safetensors" }
    var passagesName: String { "passages-\(generation).safetensors" }
    var embeddingsName: String { "embeddings-\(generation).safetensors" }

    /// All files of the index but the manifest.
    var partNames: [String] {
        [vectorsName, termsName, passagesName] + (keepsWholeVectors ? [] : [embeddingsName])
    }

    /// Whether a name is that of a part of some index of this kind.
    static func isPart(_ name: String) -> Bool {
        for (start, end) in [
            ("vectors-", ".faiss"), ("terms-", ".safetensors"), ("passages-", ".safetensors"),
            ("embeddings-", ".safetensors"),
        ] where name.hasPrefix(start) && name.hasSuffix(end) {
            let number = name.dropFirst(start.count).dropLast(end.count)
            return !number.isEmpty && number.allSatisfy { ("0"..."9").contains($0) }
        }
        return false
    }

    func write(to folder: String) throws {
        let files: [JSONValue] = files.map { file in
            .object(
                JSONObject([
                    ("path", .string(file.path)), ("bytes", .integer(file.byteCount)),
                    ("modified_ns", .integer(file.modified)),
                    ("hash", .string(String(file.hash, radix: 16))),
                    ("passages", .integer(file.passageCount)),
                ]))
        }
        let value = JSONValue.object(
            JSONObject([
                ("format", .string(Self.format)), ("version", .integer(Self.version)),
                ("generation", .integer(generation)), ("folder", .string(self.folder)),
                ("model", .string(model)), ("dimension", .integer(dimension)),
                ("factory", .string(factory)), ("passage_tokens", .integer(passageTokens)),
                ("overlap_tokens", .integer(overlapTokens)), ("files", .array(files)),
            ]))
        try AtomicFile.write(value.serializedBytes() + [0x0A], to: "\(folder)/\(Self.name)")
    }

    /// Reads the manifest of an index; nil if the folder has none.
    ///
    /// - Throws: `RetrievalError.damaged`, `ModelFolderError`.
    init?(in folder: String) throws {
        let path = "\(folder)/\(Self.name)"
        let files = try FolderFiles(path: folder)
        guard let object = try files.object(of: Self.name) else { return nil }
        func fault(_ reason: String) -> RetrievalError { .damaged(path: path, reason: reason) }
        func number(_ object: JSONObject, _ key: String, in range: ClosedRange<Int>) throws -> Int {
            guard let value = object[key]?.intValue, range.contains(value) else {
                throw fault("'\(key)' is \(object[key].map { "\($0)" } ?? "missing")")
            }
            return value
        }
        func text(_ object: JSONObject, _ key: String) throws -> String {
            guard let value = object[key]?.stringValue else { throw fault("'\(key)' is no text") }
            return value
        }
        guard object["format"]?.stringValue == Self.format else {
            throw fault("it is not the manifest of an index of texts")
        }
        let version = try number(object, "version", in: 0...Int.max)
        guard version == Self.version else {
            throw fault("its version is \(version); this release reads \(Self.version)")
        }
        generation = try number(object, "generation", in: 1...Int(Int32.max))
        self.folder = try text(object, "folder")
        model = try text(object, "model")
        dimension = try number(object, "dimension", in: 1...1 << 20)
        factory = try text(object, "factory")
        passageTokens = try number(object, "passage_tokens", in: 1...1 << 20)
        overlapTokens = try number(object, "overlap_tokens", in: 0...1 << 20)
        self.files = try (object["files"]?.arrayValue ?? []).map { value in
            guard let file = value.objectValue, let hash = UInt64(try text(file, "hash"), radix: 16)
            else { throw fault("'files' holds something else") }
            let path = try text(file, "path")
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
                throw fault("'\(path)' is no path within a folder")
            }
            return File(
                path: path, byteCount: try number(file, "bytes", in: 0...Int.max),
                modified: try number(file, "modified_ns", in: Int.min...Int.max), hash: hash,
                passageCount: try number(file, "passages", in: 0...Int(Int32.max)))
        }
        guard self.files.count <= 1 << 24, passageCount <= Int32.max else {
            throw fault("it lists too many passages")
        }
    }

    init(
        generation: Int, folder: String, model: String, dimension: Int, factory: String,
        passageTokens: Int, overlapTokens: Int, files: [File]
    ) {
        self.generation = generation
        self.folder = folder
        self.model = model
        self.dimension = dimension
        self.factory = factory
        self.passageTokens = passageTokens
        self.overlapTokens = overlapTokens
        self.files = files
    }
}

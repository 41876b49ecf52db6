#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a snapshot holds, with the proof of each file.
struct Manifest: Codable, Equatable {
    struct File: Codable, Equatable {
        var path: String
        var bytes: Int64
        var sha256: String
    }

    /// Changes when an older release could misread the file.
    var formatVersion = 1
    var commit: String
    /// What the repository's plain name stands for: `.` for the folder, else the path of a GGUF
    /// file; nothing while only files named one by one have been pulled.
    var model: String?
    /// Seconds since 1970 when the last file was added.
    var pulledAt: Int64
    var files: [File]

    var bytes: Int64 { files.reduce(0) { $0 &+ $1.bytes } }

    func file(_ path: String) -> File? { files.first { $0.path == path } }

    /// Puts a file in, instead of an earlier one of the same path.
    mutating func record(_ file: File) {
        files.removeAll { $0.path == file.path }
        files.append(file)
        files.sort { $0.path < $1.path }
    }

    /// Larger than any manifest: ten thousand files with the longest accepted names.
    private static let longest = 16 << 20

    /// Reads a manifest; nothing when there is none or it is not one of ours.
    ///
    /// A damaged manifest makes the model absent, and the next pull repairs it.
    static func read(_ path: String) throws(HubError) -> Manifest? {
        guard let bytes = try Folders.read(path, limit: longest) else { return nil }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)),
            manifest.formatVersion == 1,
            NameGrammar.fault(inRepositoryPart: manifest.commit) == nil,
            manifest.files.allSatisfy({
                NameGrammar.fault(inFilePath: $0.path) == nil && $0.bytes >= 0
                    && Checksum(sha256: $0.sha256) != nil
            })
        else { return nil }
        return manifest
    }

    func write(to path: String) throws(HubError) {
        try JSONFile.write(self, to: path)
    }
}

/// Which commit a revision stood for when it was pulled.
struct Reference: Codable, Equatable {
    var commit: String

    static func read(_ path: String) throws(HubError) -> Reference? {
        guard let bytes = try Folders.read(path, limit: 4096),
            let reference = try? JSONDecoder().decode(Reference.self, from: Data(bytes)),
            NameGrammar.fault(inRepositoryPart: reference.commit) == nil
        else { return nil }
        return reference
    }
}

/// Small JSON files written whole or not at all.
enum JSONFile {
    static func write(_ value: some Encodable, to path: String) throws(HubError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data: Data
        do {
            data = try encoder.encode(value)
        } catch {
            throw .fileSystem(
                operation: "encode", path: path, code: 0, reason: String(describing: error))
        }
        try Folders.write(Array(data), atomicallyTo: path)
    }
}

/// The files of a listing that make the model which was asked for.
package struct FileSelection: Equatable {
    package let files: [RepositoryListing.File]
    /// `.` for the folder, else the path of the GGUF file that stands for the model.
    package let model: String

    /// Chooses from a listing.
    ///
    /// Only the top folder is looked at for a folder model: repositories keep exports for other
    /// programs below. Pickles are never chosen.
    ///
    /// - Throws: ``HubError/picklesOnly(repository:files:)``, ``HubError/noModelFiles(repository:reason:)``,
    ///   ``HubError/ambiguousFile(repository:wanted:choices:)``,
    ///   ``HubError/unsafeFileName(repository:name:reason:)``.
    package init(
        _ wanted: HubFiles, of listing: RepositoryListing, repository: String
    ) throws(HubError) {
        switch wanted {
        case .pinned(let pinned):
            files = pinned.map {
                .init(path: $0.path, bytes: $0.bytes, checksum: .init(sha256: $0.sha256))
            }
            model = Self.model(ofPinned: pinned)
        case .gguf(let text):
            let paths = listing.files.map(\.path)
            model = try GGUFSet.first(matching: text, among: paths, repository: repository)
            files = try Self.set(of: model, in: listing, repository: repository)
        case .folder:
            let chosen = listing.files.filter { Self.belongsToFolder($0.path) }
            if chosen.contains(where: { $0.path.hasSuffix(".safetensors") }) {
                guard chosen.contains(where: { $0.path == "config.json" }) else {
                    throw .noModelFiles(repository: repository, reason: "there is no config.json")
                }
                files = chosen.sorted { Self.rank($0.path) < Self.rank($1.path) }
                model = "."
            } else if listing.files.contains(where: { $0.path.hasSuffix(".gguf") }) {
                let paths = listing.files.map(\.path)
                model = try GGUFSet.first(matching: "", among: paths, repository: repository)
                files = try Self.set(of: model, in: listing, repository: repository)
            } else {
                let pickles = listing.files.map(\.path).filter(Self.isPickle)
                guard pickles.isEmpty else {
                    throw .picklesOnly(repository: repository, files: pickles.sorted())
                }
                throw .noModelFiles(repository: repository, reason: "there are no *.safetensors")
            }
        }
        try Self.checkPaths(files.map(\.path), repository: repository)
    }

    /// A single pinned GGUF is the model; otherwise the folder of the pinned files is.
    static func model(ofPinned files: [PinnedFile]) -> String {
        let first = files.map(\.path).filter { $0.hasSuffix(".gguf") }.min()
        return files.contains { $0.path == "config.json" } ? "." : first ?? "."
    }

    /// Refuses names that could leave the folder, or that would land on one another.
    private static func checkPaths(_ paths: [String], repository: String) throws(HubError) {
        var seen: Set<String> = []
        for path in paths {
            if let reason = NameGrammar.fault(inFilePath: path) {
                throw .unsafeFileName(repository: repository, name: path, reason: reason)
            }
            // Some file systems do not tell upper from lower case.
            guard seen.insert(path.lowercased()).inserted else {
                throw .unsafeFileName(
                    repository: repository, name: path, reason: "it is listed twice")
            }
        }
    }

    private static func set(
        of first: String, in listing: RepositoryListing, repository: String
    ) throws(HubError) -> [RepositoryListing.File] {
        var files: [RepositoryListing.File] = []
        for path in try GGUFSet.paths(of: first, repository: repository) {
            guard let file = listing.files.first(where: { $0.path == path }) else {
                throw .noModelFiles(
                    repository: repository, reason: "'\(path)', a part of the set, is missing")
            }
            files.append(file)
        }
        return files
    }

    static func belongsToFolder(_ path: String) -> Bool {
        if path == poolingPath { return true }
        guard !path.contains("/"), !path.contains("\\") else { return false }
        if path.hasSuffix(".safetensors") || path.hasSuffix(".safetensors.index.json") {
            // A second copy of the same weights in another layout.
            return !path.hasPrefix("consolidated")
        }
        if companions.contains(path) { return true }
        return path.hasPrefix("tokenizer") && !isPickle(path)
            && [".json", ".model", ".txt", ".jinja"].contains { path.hasSuffix($0) }
    }

    /// How a sentence encoder makes a vector of its tokens'; without it the mean would be taken.
    private static let poolingPath = "1_Pooling/config.json"

    /// Small files that belong to a model beside its weights and tokenizer.
    private static let companions: Set<String> = [
        "config.json", "generation_config.json", "chat_template.jinja", "chat_template.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "preprocessor_config.json", "processor_config.json", "sentence_bert_config.json",
        "LICENSE", "LICENSE-MODEL",
    ]

    /// Small files first: what is wrong with a model shows before its weights are fetched.
    private static func rank(_ path: String) -> (Int, String) {
        (path.hasSuffix(".safetensors") ? 1 : 0, path)
    }

    static func isPickle(_ path: String) -> Bool {
        [".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"].contains {
            path.lowercased().hasSuffix($0)
        }
    }
}

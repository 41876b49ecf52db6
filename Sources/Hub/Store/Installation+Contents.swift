extension Installation {
    /// The manifest that the reference leads to; nothing when the revision was never pulled whole.
    func manifest() throws(HubError) -> Manifest? {
        guard let reference = try Reference.read(referencePath) else { return nil }
        let manifest = try Manifest.read(manifestPath(reference.commit))
        return manifest?.commit == reference.commit ? manifest : nil
    }

    /// Finds what a source means among the files that are here and whole.
    func locate(_ source: ModelSource) throws(HubError) -> ModelLocation? {
        guard let manifest = try manifest() else { return nil }
        let model: String
        switch source {
        case .hub(_, .folder):
            guard let whole = manifest.model else { return nil }
            model = whole
        case .hub(let repository, .gguf(let text)):
            let paths = manifest.files.map(\.path)
            let first = try? GGUFSet.first(
                matching: text, among: paths, repository: repository.identifier)
            guard let first else { return nil }
            model = first
        case .hub(_, .pinned(let files)):
            for file in files where manifest.file(file.path)?.sha256 != file.sha256 { return nil }
            model = FileSelection.model(ofPinned: files)
        case .pythonWheel(let wheel):
            for file in wheel.members where manifest.file(file.name)?.sha256 != file.sha256 {
                return nil
            }
            model = wheel.model
        }
        return try location(of: model, in: manifest)
    }

    /// The path of a model of the manifest, if each of its files is in place with its size.
    func location(of model: String, in manifest: Manifest) throws(HubError) -> ModelLocation? {
        let folder = snapshotFolder(manifest.commit)
        let files = try files(of: model, in: manifest)
        guard let files, files.allSatisfy({ manifest.isPresent($0, in: folder) }) else {
            return nil
        }
        return ModelLocation(
            path: model == "." ? folder : "\(folder)/\(model)",
            format: model == "." ? .folder : .gguf, source: sourceDescription)
    }

    /// The recorded files of a model, or nothing when one is missing.
    func files(of model: String, in manifest: Manifest) throws(HubError) -> [Manifest.File]? {
        guard model != "." else { return manifest.files.isEmpty ? nil : manifest.files }
        var files: [Manifest.File] = []
        for path in try GGUFSet.paths(of: model, repository: root) {
            guard let file = manifest.file(path) else { return nil }
            files.append(file)
        }
        return files
    }

    /// The models of a manifest: the folder or file of the plain name, and each other GGUF.
    func models(in manifest: Manifest) -> [String] {
        var models = manifest.model.map { [$0] } ?? []
        guard manifest.model != "." else { return models }
        let paths = manifest.files.map(\.path)
        for path in paths {
            let first = try? GGUFSet.first(matching: path, among: paths, repository: root)
            if let first, !models.contains(first) { models.append(first) }
        }
        return models
    }

    /// Forgets other revisions; a wheel is only kept in the version the catalogue names.
    func removeReferences(except kept: String?) throws(HubError) {
        let keptName = kept.map { "\(Self.fileName(of: $0)).json" }
        for name in try Folders.names(in: referencesFolder) where name != keptName {
            try Folders.removeFile("\(referencesFolder)/\(name)")
        }
    }

    /// Removes snapshots that no reference leads to, and everything when no reference is left.
    ///
    /// - Returns: The bytes freed.
    @discardableResult
    func sweep(keepingParts: Bool) throws(HubError) -> Int64 {
        var commits: Set<String> = []
        for name in try Folders.names(in: referencesFolder) where name.hasSuffix(".json") {
            if let reference = try Reference.read("\(referencesFolder)/\(name)") {
                commits.insert(reference.commit)
            }
        }
        if commits.isEmpty {
            let freed = try Folders.removeTree(root)
            // An owner's folder goes with its last repository.
            if let parent = Folders.parent(of: root) { Folders.removeIfEmpty(parent) }
            return freed
        }
        var freed: Int64 = 0
        for name in try Folders.names(in: snapshotsFolder) {
            let commit = name.hasSuffix(".json") ? String(name.dropLast(5)) : name
            if !commits.contains(commit) {
                freed &+= try Folders.removeTree("\(snapshotsFolder)/\(name)")
            }
        }
        if !keepingParts { freed &+= try Folders.removeTree(partsFolder) }
        return freed
    }
}

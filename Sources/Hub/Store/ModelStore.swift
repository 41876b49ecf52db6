/// The models on this machine and the way to get more.
///
/// ```swift
/// let store = try ModelStore()
/// let model = try await store.pull("SmolLM2-135M-Instruct") { progress in
///     print(progress.completedBytes, progress.totalBytes ?? 0)
/// }
/// print(model.path)
/// ```
///
/// A value without state of its own: everything is in the files below ``home``, and any number of
/// tasks and processes may use one folder at the same time.
public struct ModelStore: Sendable {
    public let settings: HubSettings
    public let catalogue: Catalogue

    /// The folder that holds the models.
    public var home: String { settings.home }

    public init(settings: HubSettings, catalogue: Catalogue = .standard) {
        self.settings = settings
        self.catalogue = catalogue
    }

    /// Takes the settings from this process's environment.
    ///
    /// - Throws: ``HubError/invalidSetting(name:value:expected:)`` when no folder can be named.
    public init() throws(HubError) {
        self.init(settings: try HubSettings(environment: HubSettings.processEnvironment))
    }

    /// Finds a model by its name without using the network; nothing when it was not pulled.
    ///
    /// - Throws: ``HubError/invalidName(_:reason:)``, ``HubError/unknownName(_:suggestions:)``; no
    ///   file is touched for such a name.
    public func locate(_ name: String) throws(HubError) -> ModelLocation? {
        try locate(try ModelName(name, catalogue: catalogue).sources)
    }

    func locate(_ sources: [ModelSource]) throws(HubError) -> ModelLocation? {
        for source in sources {
            let installation = Installation(home: home, source: source)
            if let location = try installation.locate(source) { return location }
        }
        return nil
    }

    /// Lists what is on this machine, sorted by name.
    public func list() throws(HubError) -> [InstalledModel] {
        var catalogueNames: [String: String] = [:]
        for entry in catalogue.entries.reversed() {
            if let location = try locate(entry.sources) {
                catalogueNames[location.path] = entry.name
            }
        }
        var models: [InstalledModel] = []
        for installation in try installations() {
            guard let manifest = try installation.manifest() else { continue }
            for model in installation.models(in: manifest) {
                guard let location = try installation.location(of: model, in: manifest),
                    let files = try installation.files(of: model, in: manifest)
                else { continue }
                let isPlain = model == manifest.model
                models.append(
                    InstalledModel(
                        name: catalogueNames[location.path]
                            ?? installation.name + (isPlain ? "" : ":\(model)"),
                        path: location.path, format: location.format,
                        bytes: files.reduce(0) { $0 &+ $1.bytes }, source: location.source,
                        pulledAt: manifest.pulledAt))
            }
        }
        return models.sorted { ($0.name.lowercased(), $0.path) < ($1.name.lowercased(), $1.path) }
    }

    /// Removes a model, or what an unfinished pull left of it.
    ///
    /// - Returns: The bytes freed.
    /// - Throws: ``HubError/notInstalled(_:)`` when there was nothing, an error of the file system
    ///   when another process is pulling it.
    @discardableResult
    public func remove(_ name: String) throws(HubError) -> Int64 {
        var freed: Int64?
        for source in try ModelName(name, catalogue: catalogue).sources {
            let installation = Installation(home: home, source: source)
            guard Folders.status(of: installation.root) != nil else { continue }
            let lock = try StoreLock.acquireNow(installation)
            defer { withExtendedLifetime(lock) {} }
            if let bytes = try installation.remove(source) { freed = (freed ?? 0) &+ bytes }
        }
        guard let freed else { throw .notInstalled(name) }
        return freed
    }

    /// Every reference in the cache. Names that are none of ours are passed over.
    private func installations() throws(HubError) -> [Installation] {
        var found: [Installation] = []
        func add(_ origin: Installation.Origin) throws(HubError) {
            let any = Installation(home: home, origin: origin, revision: "main")
            for name in try Folders.names(in: any.referencesFolder) where name.hasSuffix(".json") {
                let revision = Installation.revision(ofFileName: String(name.dropLast(5)))
                guard NameGrammar.fault(inRevision: revision) == nil else { continue }
                found.append(Installation(home: home, origin: origin, revision: revision))
            }
        }
        let hub = "\(home)/models/hub"
        for owner in try Self.folders(in: hub) {
            for repository in try Self.folders(in: "\(hub)/\(owner)") {
                try add(.hub(owner: owner, repository: repository))
            }
        }
        for package in try Self.folders(in: "\(home)/models/wheel") {
            try add(.wheel(package: package))
        }
        return found
    }

    private static func folders(in path: String) throws(HubError) -> [String] {
        try Folders.names(in: path).filter {
            NameGrammar.fault(inRepositoryPart: $0) == nil
                && Folders.ownStatus(of: "\(path)/\($0)")?.kind == .folder
        }
    }
}

extension Installation {
    /// The name that finds the installation when no entry of the catalogue does.
    var name: String {
        switch origin {
        case .hub(let owner, let repository):
            "\(owner)/\(repository)" + (revision == "main" ? "" : "@\(revision)")
        case .wheel(let package): "\(package)-\(revision)"
        }
    }

    /// Removes what a source means; nothing when there is none of it.
    func remove(_ source: ModelSource) throws(HubError) -> Int64? {
        guard case .hub(let repository, .gguf(let text)) = source else {
            let hadReference = Folders.ownStatus(of: referencePath) != nil
            // The reference goes first: from here on the model is not there.
            if case .wheel = origin {
                try removeReferences(except: nil)
            } else {
                try Folders.removeFile(referencePath)
            }
            let freed = try sweep(keepingParts: false)
            return hadReference || freed > 0 ? freed : nil
        }
        guard var manifest = try manifest(),
            let first = try? GGUFSet.first(
                matching: text, among: manifest.files.map(\.path),
                repository: repository.identifier),
            let files = try files(of: first, in: manifest)
        else { return nil }
        manifest.files.removeAll { file in files.contains(file) }
        if manifest.model == first { manifest.model = nil }
        guard !manifest.files.isEmpty else {
            try Folders.removeFile(referencePath)
            return try sweep(keepingParts: false)
        }
        try manifest.write(to: manifestPath(manifest.commit))
        var freed: Int64 = 0
        for file in files {
            freed &+= try Folders.removeFile("\(snapshotFolder(manifest.commit))/\(file.path)")
        }
        return freed
    }
}

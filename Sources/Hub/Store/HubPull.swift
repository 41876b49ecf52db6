/// Pulls a model from a repository of the hub into an installation whose lock is held.
struct HubPull {
    let repository: RepositoryName
    let wanted: HubFiles
    /// Whether another source waits, so that a hub in trouble is not waited for.
    let hasAlternative: Bool
    let installation: Installation
    let settings: HubSettings
    let endpoint: Address
    let token: String?

    init(
        _ repository: RepositoryName, _ wanted: HubFiles, _ installation: Installation,
        _ settings: HubSettings, hasAlternative: Bool
    ) throws(HubError) {
        self.hasAlternative = hasAlternative
        self.repository = repository
        self.wanted = wanted
        self.installation = installation
        self.settings = settings
        guard let endpoint = Address(settings.endpoint) else {
            throw .invalidSetting(
                name: "HF_ENDPOINT", value: settings.endpoint,
                expected: "an address such as https://huggingface.co")
        }
        self.endpoint = endpoint
        if let token = settings.token {
            guard token.utf8.count <= 4096, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                // The value is a secret and stays out of the message.
                throw .invalidSetting(
                    name: "HF_TOKEN", value: "…", expected: "a token without spaces or line breaks")
            }
            // Anyone on the way could read it.
            self.token = endpoint.scheme == "https" || endpoint.isLoopback ? token : nil
        } else {
            token = nil
        }
    }

    func run(_ reporter: inout ProgressReporter) async throws {
        if settings.token != nil, token == nil {
            reporter.notice("HF_TOKEN is not sent, because HF_ENDPOINT is not encrypted")
        }
        let (commit, selection) = try await HTTPTransport.with(settings) { transport in
            let (commit, selection) = try await choose(transport, &reporter)
            try await fetch(commit, selection, transport, &reporter)
            return (commit, selection)
        }
        try Folders.make(installation.referencesFolder)
        try JSONFile.write(Reference(commit: commit), to: installation.referencePath)
        try installation.sweep(keepingParts: selection.model != ".")
    }

    private func choose(
        _ transport: HTTPTransport, _ reporter: inout ProgressReporter
    ) async throws -> (commit: String, selection: FileSelection) {
        reporter.report(.resolving)
        let name = repository.identifier
        if case .pinned(let files) = wanted {
            let listing = RepositoryListing(commit: repository.revision, pinned: files)
            return (
                repository.revision, try FileSelection(wanted, of: listing, repository: name)
            )
        }
        let listing = try await list(transport, &reporter)
        return (listing.commit, try FileSelection(wanted, of: listing, repository: name))
    }

    private func list(
        _ transport: HTTPTransport, _ reporter: inout ProgressReporter
    ) async throws -> RepositoryListing {
        let name = repository.identifier
        let path = [
            "api", "models", repository.owner, repository.repository, "revision",
            repository.revision,
        ]
        guard let address = endpoint.appending(path, query: "?blobs=true") else {
            throw HubError.invalidName(name, reason: "no address can be made of it")
        }
        var retry = Retry(settings.limits)
        while true {
            do {
                let answer = try await transport.get(
                    address, file: name, repository: name,
                    headers: [("Accept", "application/json")],
                    patience: settings.limits.answerTimeout, token: token)
                guard answer.status == 200 else { throw answer.fault() }
                try answer.requireIdentity()
                return try RepositoryListing(
                    try await transport.collect(answer), repository: name)
            } catch let error as HubError {
                // The first contact is not repeated when the host is not there: whoever is
                // offline should hear so, or get the model elsewhere, within seconds.
                if case .unreachable = error { throw error }
                if hasAlternative { throw error }
                guard let wait = retry.wait(after: error, newBytes: 0) else { throw error }
                reporter.notice("\(error.sentence); trying again")
                try await Task.sleep(for: wait)
            }
        }
    }

    private func fetch(
        _ commit: String, _ selection: FileSelection, _ transport: HTTPTransport,
        _ reporter: inout ProgressReporter
    ) async throws {
        let snapshot = installation.snapshotFolder(commit)
        try Folders.make(snapshot)
        try Folders.make(installation.partsFolder)
        let manifestPath = installation.manifestPath(commit)
        var manifest =
            try Manifest.read(manifestPath)
            ?? Manifest(commit: commit, model: nil, pulledAt: 0, files: [])
        let missing = selection.files.filter { !manifest.holds($0, in: snapshot) }
        try requireSpace(for: missing)
        let total = selection.files.reduce(Int64?(0)) { sum, file in
            guard let sum, let bytes = file.bytes else { return nil }
            let (whole, overflows) = sum.addingReportingOverflow(bytes)
            return overflows ? nil : whole
        }
        var done = selection.files.filter { file in !missing.contains { $0.path == file.path } }
            .reduce(Int64(0)) { $0 &+ (manifest.file($1.path)?.bytes ?? 0) }
        for file in missing {
            let download = try self.download(file, commit: commit, transport)
            let result =
                if let found = try download.adoptExisting(&reporter) { found } else {
                    try await download.run(&reporter, alreadyDone: done, total: total)
                }
            done &+= result.bytes
            manifest.record(.init(path: file.path, bytes: result.bytes, sha256: result.sha256))
            manifest.pulledAt = Clock.secondsSince1970()
            try manifest.write(to: manifestPath)
        }
        let isNamedFile = if case .gguf = wanted { true } else { false }
        if !isNamedFile, manifest.model != selection.model {
            manifest.model = selection.model
            if manifest.pulledAt == 0 { manifest.pulledAt = Clock.secondsSince1970() }
            try manifest.write(to: manifestPath)
        }
    }

    private func requireSpace(for missing: [RepositoryListing.File]) throws {
        var needed: Int64 = 0
        for file in missing {
            let part = partialFile(file, commit: "")
            let present = Folders.ownStatus(of: part.contentPath)?.bytes ?? 0
            let (sum, overflows) = needed.addingReportingOverflow(
                max(0, (file.bytes ?? 0) - present))
            needed = overflows ? .max : sum
        }
        try FreeSpace.require(needed, at: installation.root, measuring: settings.freeBytes)
    }

    /// Parts are named for their content, so one goes on even when the commit around it moved.
    private func partialFile(_ file: RepositoryListing.File, commit: String) -> PartialFile {
        let key =
            file.checksum?.hexadecimal
            ?? ContentHasher.sha256(ofText: "\(commit)/\(file.path)")
        return PartialFile(folder: installation.partsFolder, key: key)
    }

    private func download(
        _ file: RepositoryListing.File, commit: String, _ transport: HTTPTransport
    ) throws(HubError) -> FileDownload {
        let components = file.path.split(separator: "/").map(String.init)
        let path = [repository.owner, repository.repository, "resolve", commit] + components
        guard let address = endpoint.appending(path) else {
            throw .unsafeFileName(
                repository: repository.identifier, name: file.path,
                reason: "no address can be made of it")
        }
        let destination = "\(installation.snapshotFolder(commit))/\(file.path)"
        if components.count > 1, let folder = Folders.parent(of: destination) {
            try Folders.make(folder)
        }
        return FileDownload(
            file: file.path, repository: repository.identifier, address: address, token: token,
            expectedBytes: file.bytes, checksum: file.checksum,
            part: partialFile(file, commit: commit), destination: destination,
            transport: transport)
    }
}

extension RepositoryListing {
    /// The listing that pinned files imply.
    init(commit: String, pinned files: [PinnedFile]) {
        self.commit = commit
        self.files = files.map {
            File(path: $0.path, bytes: $0.bytes, checksum: Checksum(sha256: $0.sha256))
        }
    }
}

extension Manifest {
    /// Whether a file is recorded, as the listing wants it, and still on the disk.
    func holds(_ file: RepositoryListing.File, in snapshot: String) -> Bool {
        guard let record = self.file(file.path), record.bytes == file.bytes ?? record.bytes else {
            return false
        }
        if case .sha256(let sum) = file.checksum, sum != record.sha256 { return false }
        return isPresent(record, in: snapshot)
    }

    func isPresent(_ file: File, in snapshot: String) -> Bool {
        let status = Folders.status(of: "\(snapshot)/\(file.path)")
        return status?.kind == .file && status?.bytes == file.bytes
    }
}

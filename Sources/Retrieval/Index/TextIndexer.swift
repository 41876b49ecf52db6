import FathomCheckpoints
import FathomTensors
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Makes an index of the texts of a folder, or brings one up to date.
///
/// ```swift
/// let indexer = TextIndexer(
///     folder: "notes", index: "notes.index", encoder: try SentenceEncoder(contentsOf: model),
///     settings: TextIndexSettings(model: model))
/// let report = try indexer.update()
/// ```
///
/// A file whose size and time are those of the last run is not read; one whose content is the same
/// is not embedded again. What results is what an index made anew would be, byte for byte but for
/// the number of its generation. It becomes the index at once and whole; see `TextIndexManifest`.
public struct TextIndexer {
    public let folder: String
    public let index: String
    let encoder: SentenceEncoder
    let settings: TextIndexSettings

    public init(
        folder: String, index: String, encoder: SentenceEncoder, settings: TextIndexSettings
    ) {
        self.folder = folder
        self.index = index
        self.encoder = encoder
        self.settings = settings
    }

    /// Passages embedded at a time, sorted by length: enough for full passes of one length.
    private static let window = 4096

    /// Makes the index or brings it up to date.
    ///
    /// - Parameter isCancelled: asked now and then; once it says so nothing is changed any more.
    /// - Throws: `RetrievalError`, `WriteError`, `IndexFileError`, and for a factory string
    ///   `FactoryError` and `TrainingError`.
    public func update(
        progress: (TextIndexProgress) -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws -> TextIndexReport {
        let passageTokens = min(
            settings.passageTokens ?? encoder.contentTokens, encoder.contentTokens)
        let description = try IndexDescription(
            settings.factory, dimension: encoder.dimension, metric: .innerProduct)
        let scan = try FolderScan(folder, excluding: index)
        try prepareFolder()
        var report = TextIndexReport()
        let probe = try encoder.embed([PassageTable.probeText])
        let old = try previous(
            root: scan.root, passageTokens: passageTokens, probe: probe, &report)

        var content = Content(encoder, passageTokens, settings.overlapTokens, old)
        let known = Dictionary(
            uniqueKeysWithValues: (old?.manifest.files ?? []).enumerated().map {
                ($0.element.path, $0.offset)
            })
        var seen = Set<String>()
        for (position, file) in scan.files.enumerated() {
            guard !isCancelled() else { throw RetrievalError.cancelled }
            let before = known[file.path]
            try content.take(file, root: scan.root, before: before, &report)
            if before != nil, content.files.last?.path == file.path { seen.insert(file.path) }
            let (completed, total) = (position + 1, content.newPassageCount)
            func tell(_ embedded: Int) {
                progress(
                    .init(
                        completedFiles: completed, fileCount: scan.files.count,
                        newPassages: total, embeddedPassages: embedded))
            }
            tell(content.embeddedCount)
            let isLast = completed == scan.files.count
            if content.pendingCount >= (isLast ? 1 : Self.window) {
                try content.embed(isCancelled: isCancelled, progress: tell)
            }
        }
        report.fileCount = content.files.count
        report.passageCount = content.passages.count
        report.embeddedPassages = content.newPassageCount
        report.removedFiles = known.count - seen.count
        if !scan.unreadable.isEmpty {
            report.skippedFiles["unreadable folder"] = scan.unreadable.count
        }
        if let old, old.manifest.files == content.files, old.manifest.model == settings.model {
            report.isUnchanged = true
            return report
        }
        guard !isCancelled() else { throw RetrievalError.cancelled }
        let manifest = TextIndexManifest(
            generation: (try TextIndexManifest(in: index)?.generation ?? 0) + 1, folder: scan.root,
            model: settings.model, dimension: encoder.dimension, factory: settings.factory,
            passageTokens: passageTokens, overlapTokens: settings.overlapTokens,
            files: content.files)
        try write(manifest, content, description, probe: probe)
        return report
    }

    /// Makes the index's folder, and refuses one that holds something else.
    private func prepareFolder() throws {
        if mkdir(index, 0o777) != 0, errno != EEXIST {
            throw RetrievalError.system(
                path: index, action: "make the folder", code: errno,
                text: String(cString: strerror(errno)))
        }
        let names = try FolderFiles(path: index).list()
        guard
            names.isEmpty || names.contains(TextIndexManifest.name)
                || names.allSatisfy({ TextIndexManifest.isPart($0) || $0.hasPrefix(".") })
        else { throw RetrievalError.notAnIndexFolder(path: index) }
    }

    /// The index that is there, where its passages can be taken over; else says why not.
    private func previous(
        root: String, passageTokens: Int, probe: [Float], _ report: inout TextIndexReport
    ) throws -> PreviousIndex? {
        guard let manifest = try TextIndexManifest(in: index) else { return nil }
        let reasons: [(Bool, String)] = [
            (manifest.folder != root, "it was made of \(manifest.folder)"),
            (manifest.dimension != encoder.dimension, "it was made with another embedder"),
            (
                manifest.passageTokens != passageTokens
                    || manifest.overlapTokens != settings.overlapTokens,
                "passages are cut in another way"
            ),
            (manifest.factory != settings.factory, "its vectors were kept as \(manifest.factory)"),
        ]
        if let reason = reasons.first(where: \.0)?.1 {
            report.rebuildReason = reason
            return nil
        }
        let previous = try PreviousIndex(manifest, in: index)
        guard previous.table.isMade(by: probe) else {
            report.rebuildReason = "it was made with another embedder"
            return nil
        }
        return previous
    }

    private func write(
        _ manifest: TextIndexManifest, _ content: Content, _ description: IndexDescription,
        probe: [Float]
    ) throws {
        let rows = try VectorRows(content.embeddings, dimension: encoder.dimension)
        var builder = try IndexBuilder(description)
        if !builder.isTrained { try builder.train(rows) }
        if rows.count > 0 { try builder.add(rows) }
        do {
            try builder.write("\(index)/\(manifest.vectorsName)")
            if !manifest.keepsWholeVectors {
                try SafetensorsWriter.write(
                    [
                        (
                            "embeddings",
                            Tensor(content.embeddings, shape: [rows.count, rows.dimension])
                        )
                    ],
                    to: "\(index)/\(manifest.embeddingsName)")
            }
            try content.terms.finished().write(to: "\(index)/\(manifest.termsName)")
            try PassageTable(passages: content.passages, probe: probe)
                .write(to: "\(index)/\(manifest.passagesName)")
            try manifest.write(to: index)
        } catch {
            for name in manifest.partNames { unlink("\(index)/\(name)") }
            throw error
        }
        // Nobody finds the files of older generations any more, nor what an ended run left.
        for name in (try? FolderFiles(path: index).list()) ?? []
        where TextIndexManifest.isPart(name) && !manifest.partNames.contains(name)
            || name.hasPrefix(".") && name.hasSuffix(".unfinished")
        {
            unlink("\(index)/\(name)")
        }
    }
}

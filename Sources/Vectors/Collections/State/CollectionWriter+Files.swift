/// Steps that change the files. Each leaves what was there before until the manifest is replaced.
extension CollectionWriter {
    /// Writes the rows of a builder as a segment, and reads the file back before anything relies
    /// on it; nil if there are none.
    func write(
        _ builder: SegmentBuilder, isIndexed: Bool, threads: Int = 1,
        progress: TrainingProgressHandler? = nil
    ) throws -> Segment? {
        guard builder.count > 0 else { return nil }
        let number = takeNumber()
        let name = FileNames.segment(number)
        let pieces = try builder.encode(
            number: number, isIndexed: isIndexed, threads: threads, progress: progress)
        try folder.write(pieces, to: name)
        return try Segment(
            folder.contents(name), number: number, path: folder.path(of: name), settings)
    }

    /// Writes the deleted rows of a segment, and gives the number of the file.
    func writeDeletions(_ rows: RowSet, segment: UInt64) throws -> UInt64 {
        let number = takeNumber()
        try folder.write(
            [.bytes(try DeletionFile.encode(rows, segment: segment, number: number))],
            to: FileNames.deletions(segment: segment, number: number))
        return number
    }

    /// Makes a manifest the one that holds. Called with `files`.
    func install(_ next: Manifest) throws {
        var next = next
        next.nextNumber = followingNumber
        // The names of the files it speaks of come first.
        try folder.sync()
        try folder.replace(FileNames.manifest, with: try next.encoded())
        manifest = next
    }

    /// Removes files that nothing speaks of any more. What cannot be removed, the next opening
    /// clears away.
    func clear(_ names: [String]) {
        for name in names { try? folder.remove(name) }
    }
}

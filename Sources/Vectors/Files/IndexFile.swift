/// What an index file holds: vectors of floats, or of bits.
public enum IndexFile: Sendable {
    case vectors(any VectorIndex)
    case binary(any BinaryIndex)

    /// How an index is written.
    public enum Format: Sendable, Hashable {
        /// As Faiss writes and reads it.
        case faiss
        /// With a checksum for each section, and large arrays where they are searched in place;
        /// Faiss does not read it. See `verify`.
        case container
    }

    /// Reads a file of Faiss's format.
    ///
    /// Everything that a search relies on is checked now: sizes against the bytes that are there,
    /// codes, list numbers and every link of a graph. Files named inside, such as inverted lists
    /// on disk, are looked up beside the file.
    /// - Throws: `IndexFileError`.
    public static func read(_ path: String) throws -> IndexFile {
        try open(path, lends: false)
    }

    /// Opens a file of Faiss's format without bringing it all into memory.
    ///
    /// Codes and labels stay in the file and are read when a search looks at them; the rest (coarse
    /// quantizers, graphs, codebooks) is loaded and checked as by `read`. Results are the same.
    /// Replace the file by a new one under its name rather than change it: a search throws
    /// `IndexFileError` once the file was cut short.
    /// - Throws: `IndexFileError`.
    public static func map(_ path: String) throws -> IndexFile {
        try open(path, lends: true)
    }

    private static func open(_ path: String, lends: Bool) throws -> IndexFile {
        let file = try MappedIndexFile(path: path)
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let outcome = Result {
            try read(reader(file, folder: folder, lends: lends))
        }
        // A file cut short reads as zeros: that is the cause, whatever the reader made of it.
        try file.checkIntact()
        do {
            return try outcome.get()
        } catch var error as IndexFileError {
            error.path = error.path ?? path
            throw error
        }
    }

    private static func reader(
        _ file: MappedIndexFile, folder: String, lends: Bool
    ) throws -> IndexReader {
        guard ContainerFile.isContainer(file.bytes) else {
            return IndexReader(file.bytes, folder: folder, lendingFrom: lends ? file : nil)
        }
        let sections = try ContainerFile.sections(file.bytes)
        // The fields are checked now in any case; arrays that stay in the file when asked for.
        for (number, section) in sections.enumerated()
        where !lends || number == sections.count - 1 {
            try ContainerFile.check(section, number: number, file.bytes)
        }
        return IndexReader(container: file, sections, folder: folder, lends: lends)
    }

    /// Throws unless a container has the checksums of all its sections; reads it from end to end.
    ///
    /// `read` does so too, `map` leaves out what stays in the file.
    /// - Throws: `IndexFileError`, also for files of Faiss's format, which have no checksums.
    public static func verify(_ path: String) throws {
        let file = try MappedIndexFile(path: path)
        do {
            guard ContainerFile.isContainer(file.bytes) else {
                throw IndexFileError(
                    field: "type",
                    .badValue(found: "no container", expected: "one, to have checksums"))
            }
            for (number, section) in try ContainerFile.sections(file.bytes).enumerated() {
                try ContainerFile.check(section, number: number, file.bytes)
            }
        } catch var error as IndexFileError {
            try file.checkIntact()
            error.path = error.path ?? path
            throw error
        }
        try file.checkIntact()
    }

    /// Reads an index from memory; it cannot refer to other files.
    public static func read(_ bytes: [UInt8]) throws -> IndexFile {
        try bytes.withUnsafeBytes { try read(IndexReader($0, folder: nil)) }
    }

    private static func read(_ reader: consuming IndexReader) throws -> IndexFile {
        var reader = reader
        let start = try reader.peekFourCC("type")
        let file: IndexFile =
            IndexTypes.isBinary(start)
            ? .binary(try IndexTypes.readBinary(&reader)) : .vectors(try IndexTypes.read(&reader))
        guard reader.remaining == 0 else {
            throw reader.failure("end", .trailingBytes(reader.remaining))
        }
        guard reader.sectionsLeft == 0 else {
            throw reader.failure(
                "end", found: "\(reader.sectionsLeft) sections more", expected: "none")
        }
        return file
    }

    /// Writes the index; under the name stands the whole new file or what stood there before.
    ///
    /// - Throws: `IndexFileError`.
    public func write(_ path: String, as format: Format = .faiss) throws {
        let file = try AtomicIndexFile(path: path)
        var writer =
            switch format {
            case .faiss: IndexWriter(file: file)
            case .container: IndexWriter(container: try ContainerWriter(file: file))
            }
        try write(to: &writer)
        try writer.finish()
    }

    /// The bytes of the index's file.
    public func bytes() throws -> [UInt8] {
        var writer = IndexWriter()
        try write(to: &writer)
        return writer.bytes
    }

    private func write(to writer: inout IndexWriter) throws {
        switch self {
        case .vectors(let index): try index.write(to: &writer)
        case .binary(let index): try index.write(to: &writer)
        }
    }

    /// The index of float vectors, or nil for one of bits.
    public var vectorIndex: (any VectorIndex)? {
        if case .vectors(let index) = self { index } else { nil }
    }

    /// The index of bits, or nil for one of float vectors.
    public var binaryIndex: (any BinaryIndex)? {
        if case .binary(let index) = self { index } else { nil }
    }
}

extension IndexReader {
    /// The four characters that come next.
    func peekFourCC(_ field: String) throws(IndexFileError) -> FourCC {
        var copy = self
        return try copy.fourCC(field)
    }
}

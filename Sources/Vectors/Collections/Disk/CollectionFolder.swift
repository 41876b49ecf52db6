/// What a collection asks of the disk: one flat folder of files.
///
/// Everything that is written goes through this, so that tests can let any step fail, or lose what
/// a power cut loses: bytes that were not brought to disk, and names of a folder that was not.
package protocol CollectionFolder: Sendable {
    /// For messages.
    var path: String { get }

    /// The names of the files.
    func list() throws(CollectionError) -> [String]

    /// - Throws: an error for which `isMissingFile` holds, if there is no such file.
    func contents(_ name: String) throws(CollectionError) -> any FileContents

    /// A new, empty file; there must not be one.
    func create(_ name: String) throws(CollectionError) -> any AppendableFile

    /// A file that is there, cut to a length, to be added to.
    func append(
        to name: String, from length: Int
    ) throws(CollectionError) -> any AppendableFile

    /// Puts a file in the place of another, or where there was none.
    func rename(_ name: String, to newName: String) throws(CollectionError)

    func remove(_ name: String) throws(CollectionError)

    /// Brings the names of the files to disk.
    func sync() throws(CollectionError)

    /// Makes this the only writer until what is given back goes away.
    func lock() throws(CollectionError) -> any Sendable
}

/// A file that grows.
package protocol AppendableFile: AnyObject, Sendable {
    func append(_ bytes: UnsafeRawBufferPointer) throws(CollectionError)
    /// Takes away what is behind a length.
    func cut(to length: Int) throws(CollectionError)
    /// Brings the bytes to disk.
    func sync() throws(CollectionError)
}

/// The bytes of a file.
package protocol FileContents: AnyObject, Sendable {
    var bytes: UnsafeRawBufferPointer { get }
    /// Throws if part of the file vanished while it was in use.
    func checkIntact() throws(CollectionError)
}

extension CollectionFolder {
    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Writes a new file and brings its bytes to disk, but not yet its name.
    func write(_ pieces: [FilePiece], to name: String) throws(CollectionError) {
        let file = try create(name)
        do {
            for piece in pieces { try piece.append(to: file) }
            try file.sync()
        } catch {
            // What is left of it belongs to nothing, and the next writer clears it away.
            try? remove(name)
            throw error
        }
    }

    /// Puts a file under a name whole, or leaves there what was there; the name is on disk then.
    func replace(_ name: String, with bytes: [UInt8]) throws(CollectionError) {
        let draft = name + FileNames.draftSuffix
        try? remove(draft)
        try write([.bytes(bytes)], to: draft)
        try rename(draft, to: name)
        try sync()
    }
}

/// Part of a file to be written.
enum FilePiece {
    case bytes([UInt8])
    case floats([Float])
    case integers([Int64])

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .bytes(let array): array.withUnsafeBytes(body)
        case .floats(let array): array.withUnsafeBytes(body)
        case .integers(let array): array.withUnsafeBytes(body)
        }
    }

    var count: Int { withBytes { $0.count } }

    /// Bytes that go to the file at once.
    private static let stride = 1 << 22

    func append(to file: any AppendableFile) throws(CollectionError) {
        let outcome = withBytes { bytes in
            Result { () throws(CollectionError) in
                var begin = 0
                while begin < bytes.count {
                    let end = min(begin + Self.stride, bytes.count)
                    try file.append(UnsafeRawBufferPointer(rebasing: bytes[begin..<end]))
                    begin = end
                }
            }
        }
        try outcome.get()
    }
}

/// Names of the files of a collection.
enum FileNames {
    static let manifest = "MANIFEST"
    static let lock = "LOCK"
    static let draftSuffix = ".draft"

    static func segment(_ number: UInt64) -> String { "segment-\(number)" }
    static func log(_ number: UInt64) -> String { "log-\(number)" }

    /// Rows of a segment that were deleted.
    static func deletions(segment: UInt64, number: UInt64) -> String {
        "deleted-\(segment)-\(number)"
    }

    /// The numbers in a name of ours, or nil for another name.
    static func numbers(in name: String) -> [UInt64]? {
        let name = name.hasSuffix(draftSuffix) ? String(name.dropLast(draftSuffix.count)) : name
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.dropFirst().map { UInt64($0) }
        switch (parts.first, numbers.count) {
        case ("segment", 1), ("log", 1), ("deleted", 2): break
        default: return nil
        }
        let known = numbers.compactMap(\.self)
        return known.count == numbers.count ? known : nil
    }

    static func logNumber(_ name: String) -> UInt64? {
        name.hasPrefix("log-") && !name.hasSuffix(draftSuffix) ? numbers(in: name)?.first : nil
    }
}

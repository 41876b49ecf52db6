#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a collection could not be opened, read or changed.
public struct CollectionError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// The folder has no manifest.
        case notACollection
        case alreadyThere
        /// Another writer has the collection open; its process, where that is known.
        case inUse(process: Int?)
        /// A change of a collection that was opened for reading.
        case openForReading
        case closed
        /// An earlier failure left the log in a state that only opening anew can tell.
        case logFailed(String)
        /// A refusal of the system: what was tried, and its error number.
        case system(String, Int32)
        case noRoom(neededBytes: Int)
        case missing(String)
        /// What of a file is damaged, how that shows, and what can be done.
        case damaged(String, found: String, remedy: String)
        /// A setting, an id, a vector or a field that cannot be taken.
        case refused(String, found: String, expected: String)
    }

    /// The folder or the file.
    public let path: String
    public let reason: Reason

    package init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    static func damaged(
        _ path: String, _ part: String, found: some Any,
        remedy: String = "bring the collection back from a copy"
    ) -> CollectionError {
        CollectionError(path, .damaged(part, found: "\(found)", remedy: remedy))
    }

    /// The error of a failed call of the system.
    static func system(
        _ path: String, _ action: String, _ code: Int32, neededBytes: Int = 0
    ) -> CollectionError {
        code == ENOSPC || code == EDQUOT || code == EFBIG
            ? CollectionError(path, .noRoom(neededBytes: neededBytes))
            : CollectionError(path, .system(action, code))
    }

    /// Whether the file is not there.
    var isMissingFile: Bool {
        if case .missing = reason { true } else { false }
    }

    public var description: String {
        switch reason {
        case .notACollection:
            return "\(path) is no collection of vectors: it has no MANIFEST"
        case .alreadyThere:
            return "\(path) is there already; a collection begins in a new or an empty folder"
        case .inUse(let process):
            let who = process.map { "process \($0)" } ?? "another writer"
            return "\(path): \(who) has the collection open for writing; wait for its end, or "
                + "open it for reading"
        case .openForReading:
            return "\(path) was opened for reading; open it for writing to change it"
        case .closed:
            return "\(path): the collection was closed"
        case .logFailed(let cause):
            return "\(path): the log failed before (\(cause)); nothing more is taken until the "
                + "collection is opened anew. It can still be searched"
        case .system(let action, let code):
            return "\(path): could not \(action) (\(String(cString: strerror(code))))"
        case .noRoom(let needed):
            return "\(path): the disk has no room for \(needed) bytes. Nothing was changed; the "
                + "collection can still be searched"
        case .missing(let name):
            return "\(path): \(name) is missing; bring the collection back from a copy"
        case .damaged(let part, let found, let remedy):
            return "\(path): the \(part) is damaged: \(found); \(remedy)"
        case .refused(let what, let found, let expected):
            return "\(what) is \(found); it must be \(expected)"
        }
    }
}

extension IndexReader {
    /// Runs a closure that reads, and gives its errors as damage of a part of a file.
    static func reading<Result>(
        _ bytes: UnsafeRawBufferPointer, _ part: String, of path: String,
        remedy: String = "bring the collection back from a copy",
        _ body: (inout IndexReader) throws -> Result
    ) throws(CollectionError) -> Result {
        var reader = IndexReader(bytes, folder: nil)
        do {
            return try body(&reader)
        } catch let error as CollectionError {
            throw error
        } catch {
            throw .damaged(path, part, found: error, remedy: remedy)
        }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why an index file could not be read or written.
public struct IndexFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// The file ends inside the field.
        case cutShort(neededBytes: UInt64, leftBytes: Int)
        /// The type of an index, a transform or lists is not known.
        case unknownType(String)
        /// A type of Faiss that is not read, and what it holds.
        case unreadType(String, holds: String)
        /// What stands there, and what may.
        case badValue(found: String, expected: String)
        /// Indexes inside indexes.
        case tooDeep(limit: Int)
        /// Bytes that belong to nothing follow the index.
        case trailingBytes(Int)
        /// A refusal of the system: what was tried, and its error number.
        case system(String, Int32)
        case notAFile
        /// The file got shorter while it was read.
        case changedWhileRead
        case noRoom(neededBytes: Int)
    }

    /// The file, or nil for bytes in memory.
    public var path: String?
    /// Where in the file, or nil where that says nothing.
    public let offset: Int?
    /// The field as a path of names: "quantizer/codes".
    public let field: String
    public let reason: Reason

    init(path: String? = nil, offset: Int? = nil, field: String = "", _ reason: Reason) {
        self.path = path
        self.offset = offset
        self.field = field
        self.reason = reason
    }

    public var description: String {
        var place = path ?? "index"
        if !field.isEmpty { place += ": '\(field)'" }
        if let offset { place += " at byte \(offset)" }
        switch reason {
        case .cutShort(let needed, let left):
            return "\(place) needs \(needed) bytes, but \(left) are left; the file is cut short "
                + "or damaged: copy it again"
        case .unknownType(let type):
            return "\(place) is '\(type)', which is no known type; is this an index file of Faiss?"
        case .unreadType(let type, let contents):
            return "\(place) is '\(type)', which holds \(contents) and is not read; build the "
                + "index as another type, or write it anew with Faiss if the layout is older"
        case .badValue(let found, let expected):
            return "\(place) is \(found); it must be \(expected). Is the file damaged?"
        case .tooDeep(let limit):
            return "\(place) is nested more than \(limit) deep; the file is damaged, or build it "
                + "with fewer indexes inside each other"
        case .trailingBytes(let count):
            return
                "\(place): \(count) bytes follow the index and belong to nothing; write the file "
                + "again"
        case .system(let action, let code):
            return "\(place): could not \(action) (\(String(cString: strerror(code))))"
        case .notAFile:
            return "\(place) is not a regular file; give the path of one"
        case .changedWhileRead:
            return "\(place) was cut short while it was read; copy it again"
        case .noRoom(let needed):
            return "\(place): the disk has no room for \(needed) bytes; make room or "
                + "choose another place. Nothing was changed"
        }
    }
}

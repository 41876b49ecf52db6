/// Why a predicate was refused, and where.
public struct PredicateError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// Nothing that may stand here; what was found is empty at the end.
        case unexpected(String, expected: String)
        case invalid(String)
        case noSuchColumn(String, columns: [String])
        /// A comparison that the type of a column does not have.
        case wrongType(column: String, type: ColumnType, used: String)
        case nestedTooDeeply(limit: Int)
        case tooLong(limit: Int)
    }

    /// The predicate as it was written; empty for one that was not.
    public let text: String
    /// Characters before the place; nil for a predicate that was not written.
    public let offset: Int?
    public let reason: Reason

    init(_ reason: Reason, in text: String = "", offset: Int? = nil) {
        self.text = text
        self.offset = offset
        self.reason = reason
    }

    public var description: String {
        let place =
            offset.map { "predicate '\(text.prefix(200))', character \($0 + 1): " } ?? "predicate: "
        switch reason {
        case .unexpected(let found, let expected):
            return place
                + (found.isEmpty ? "it ends here" : "'\(found.prefix(60))' is not expected")
                + "; expected \(expected)"
        case .invalid(let message):
            return place + message
        case .noSuchColumn(let name, let columns):
            return place + "there is no column '\(name.prefix(60))'; "
                + (columns.isEmpty
                    ? "the collection has none" : "there are " + columns.joined(separator: ", "))
        case .wrongType(let column, let type, let used):
            return place + "'\(column)' is a column of type \(type.name), which does not go with "
                + used.prefix(100)
        case .nestedTooDeeply(let limit):
            return place + "more than \(limit) levels of nesting"
        case .tooLong(let limit):
            return "the predicate is longer than \(limit) bytes"
        }
    }
}

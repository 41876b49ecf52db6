/// Why an index could not be changed.
public enum IndexChangeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The type of index cannot do it: what, the type, and what to do instead.
    case refused(String, by: String, remedy: String)
    /// Two indexes cannot become one: what differs.
    case incompatible(String)
    /// An id that does not fit a 64-bit number after it was moved.
    case idOverflow(Int64, shift: Int64)
    /// An id given twice where each names one vector.
    case repeatedID(Int64)
    case wrongCodeSize(found: Int, expected: Int)

    public var description: String {
        switch self {
        case .refused(let action, let type, let remedy):
            "\(type) does not \(action); \(remedy)"
        case .incompatible(let difference):
            "the indexes cannot be merged: \(difference)"
        case .idOverflow(let id, let shift):
            "id \(id) moved by \(shift) is no 64-bit number; choose another shift"
        case .repeatedID(let id):
            "id \(id) is given twice; give each once"
        case .wrongCodeSize(let found, let expected):
            "\(found) bytes are no whole number of codes of \(expected) bytes"
        }
    }
}

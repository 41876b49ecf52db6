/// Where the vector of a label is: list number in the upper 32 bits, place in the list below.
enum DirectMap: Sendable {
    case none([Int64])
    /// By label; −1 for labels that are not there.
    case array([Int64])
    /// Pairs of label and place in the order of the file.
    case hashTable([Int64], array: [Int64])

    init(reading reader: inout IndexReader) throws(IndexFileError) {
        let type = try reader.u8("direct_map.type")
        let array = try reader.vector("direct_map.array", of: Int64.self)
        switch type {
        case 0: self = .none(array)
        case 1: self = .array(array)
        case 2:
            let count = try reader.size("direct_map.hashtable.size")
            let values = try reader.elements(
                "direct_map.hashtable",
                count: try reader.product("direct_map.hashtable", count, 2), of: Int64.self)
            self = .hashTable(values, array: array)
        default:
            throw reader.failure("direct_map.type", found: type, expected: "0, 1 or 2")
        }
    }

    func write(to writer: inout IndexWriter) throws(IndexFileError) {
        switch self {
        case .none(let array):
            try writer.u8(0)
            try writer.vector(array)
        case .array(let array):
            try writer.u8(1)
            try writer.vector(array)
        case .hashTable(let pairs, let array):
            try writer.u8(2)
            try writer.vector(array)
            try writer.size(pairs.count / 2)
            try writer.elements(pairs)
        }
    }

    /// The list and the place of a label, if the map knows it.
    func place(of id: Int64) -> (list: Int, offset: Int)? {
        let value: Int64
        switch self {
        case .none: return nil
        case .array(let array):
            guard id >= 0, id < array.count else { return nil }
            value = array[Int(id)]
        case .hashTable(let pairs, _):
            guard
                let pair = stride(from: 0, to: pairs.count, by: 2).first(where: {
                    pairs[$0] == id
                })
            else { return nil }
            value = pairs[pair + 1]
        }
        return value < 0 ? nil : (Int(value >> 32), Int(value & 0xFFFF_FFFF))
    }

    /// The places of a map that names every vector.
    func check(
        against lists: InvertedLists, _ reader: IndexReader
    ) throws(IndexFileError) {
        func check(_ value: Int64) throws(IndexFileError) {
            guard value != -1 else { return }
            let (list, offset) = (value >> 32, value & 0xFFFF_FFFF)
            guard value >= 0, list < lists.listCount, offset < lists.count(Int(list)) else {
                throw reader.failure(
                    "direct_map", found: "list \(list), place \(offset)",
                    expected: "a place in a list")
            }
        }
        switch self {
        case .none: break
        case .array(let array): for value in array { try check(value) }
        case .hashTable(let pairs, _):
            for place in stride(from: 1, to: pairs.count, by: 2) { try check(pairs[place]) }
        }
    }
}

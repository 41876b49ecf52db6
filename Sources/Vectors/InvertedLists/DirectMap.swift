/// Where the vector of a label is: list number in the upper 32 bits, place in the list below.
enum DirectMap: Sendable {
    case none([Int64])
    /// By label; −1 for labels that are not there.
    case array([Int64])
    case hashTable(HashedPlaces, array: [Int64])

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
            self = .hashTable(HashedPlaces(values), array: array)
        default:
            throw reader.failure("direct_map.type", found: type, expected: "0, 1 or 2")
        }
    }

    /// The map of a kind for lists that are there.
    init(_ kind: DirectMapKind, of file: InvertedFile) throws {
        try self.init(kind, of: file.lists, count: file.header.count)
    }

    /// - Parameter count: how many vectors the lists hold.
    init(_ kind: DirectMapKind, of lists: InvertedLists, count: Int) throws {
        switch kind {
        case .none:
            self = .none([])
        case .array:
            var array = [Int64](repeating: -1, count: count)
            for list in 0..<lists.listCount {
                for (offset, id) in lists.ids(list).enumerated() {
                    guard id >= 0, id < array.count, array[Int(id)] < 0 else {
                        throw IndexChangeError.refused(
                            "map label \(id) by an array", by: "An inverted file",
                            remedy: "labels must be 0 to \(array.count - 1), each once; use a hash "
                                + "table")
                    }
                    array[Int(id)] = Self.value(list, offset)
                }
            }
            self = .array(array)
        case .hashTable:
            var places = HashedPlaces([])
            for list in 0..<lists.listCount {
                for (offset, id) in lists.ids(list).enumerated() {
                    places[id] = Self.value(list, offset)
                }
            }
            self = .hashTable(places, array: [])
        }
    }

    func write(to writer: inout IndexWriter) throws(IndexFileError) {
        try writer.u8(kind.rawValue)
        switch self {
        case .none(let array), .array(let array): try writer.vector(array)
        case .hashTable(let places, let array):
            try writer.vector(array)
            try writer.size(places.pairs.count / 2)
            try writer.elements(places.pairs)
        }
    }

    var kind: DirectMapKind {
        switch self {
        case .none: .none
        case .array: .array
        case .hashTable: .hashTable
        }
    }

    private static func value(_ list: Int, _ offset: Int) -> Int64 {
        Int64(list) << 32 | Int64(offset)
    }

    /// The list and the place of a label, if the map knows it.
    func place(of id: Int64) -> (list: Int, offset: Int)? {
        let value: Int64
        switch self {
        case .none: return nil
        case .array(let array):
            guard id >= 0, id < array.count else { return nil }
            value = array[Int(id)]
        case .hashTable(let places, _):
            guard let place = places[id] else { return nil }
            value = place
        }
        return value < 0 ? nil : (Int(value >> 32), Int(value & 0xFFFF_FFFF))
    }

    /// Makes room for labels up to a number in an array.
    mutating func grow(to count: Int) {
        guard case .array(var array) = self, array.count < count else { return }
        self = .none([])
        array += repeatElement(-1, count: count - array.count)
        self = .array(array)
    }

    /// Notes the place of a label, which must be one of an array's.
    mutating func set(_ id: Int64, list: Int, offset: Int) {
        let value = Self.value(list, offset)
        switch self {
        case .none: break
        case .array(var array):
            self = .none([])
            if id >= 0, id < array.count { array[Int(id)] = value }
            self = .array(array)
        case .hashTable(var places, let array):
            self = .none([])
            places[id] = value
            self = .hashTable(places, array: array)
        }
    }

    mutating func remove(_ id: Int64) {
        guard case .hashTable(var places, let array) = self else { return }
        self = .none([])
        places[id] = nil
        self = .hashTable(places, array: array)
    }

    mutating func removeAll() {
        switch self {
        case .none: self = .none([])
        case .array: self = .array([])
        case .hashTable: self = .hashTable(HashedPlaces([]), array: [])
        }
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
        case .hashTable(let places, _):
            for place in stride(from: 1, to: places.pairs.count, by: 2) {
                try check(places.pairs[place])
            }
        }
    }
}

/// Places by label, in the order in which a file has them.
struct HashedPlaces: Sendable {
    /// Label, place, label, place …
    private(set) var pairs: [Int64]
    /// Where the pair of a label is; the first one of a label counts.
    private var numbers: [Int64: Int] = [:]

    init(_ pairs: [Int64]) {
        self.pairs = pairs
        numbers.reserveCapacity(pairs.count / 2)
        for place in stride(from: 0, to: pairs.count, by: 2) where numbers[pairs[place]] == nil {
            numbers[pairs[place]] = place
        }
    }

    subscript(id: Int64) -> Int64? {
        get { numbers[id].map { pairs[$0 + 1] } }
        set {
            if let newValue {
                if let place = numbers[id] {
                    pairs[place + 1] = newValue
                } else {
                    numbers[id] = pairs.count
                    pairs += [id, newValue]
                }
            } else if let place = numbers.removeValue(forKey: id) {
                // The last pair fills the gap.
                let (value, label) = (pairs.removeLast(), pairs.removeLast())
                guard place < pairs.count else { return }
                (pairs[place], pairs[place + 1]) = (label, value)
                if numbers[label] == pairs.count { numbers[label] = place }
            }
        }
    }
}

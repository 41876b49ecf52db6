/// The codes and labels of an index, divided into lists.
enum InvertedLists: Sendable {
    case none
    /// Lists in memory.
    case arrays(ArrayLists)
    /// Lists in memory, codes interleaved in blocks for scanning many at once.
    case blocks(BlockLists)
    /// Lists in a file of their own.
    case disk(DiskLists)

    /// What belongs to one list, while it is lent.
    struct Contents {
        let count: Int
        let ids: UnsafePointer<Int64>?
        let codes: UnsafeRawPointer?
    }

    var listCount: Int {
        switch self {
        case .none: 0
        case .arrays(let lists): lists.lists.count
        case .blocks(let lists): lists.lists.count
        case .disk(let lists): lists.lists.count
        }
    }

    /// How many vectors a list holds.
    func count(_ list: Int) -> Int {
        switch self {
        case .none: 0
        case .arrays(let lists): lists.lists[list].ids.count
        case .blocks(let lists): lists.lists[list].ids.count
        case .disk(let lists): lists.lists[list].count
        }
    }

    /// Lends a list's codes and labels.
    func withList<Result>(
        _ list: Int, _ body: (Contents) throws -> Result
    ) rethrows -> Result {
        switch self {
        case .none:
            return try body(Contents(count: 0, ids: nil, codes: nil))
        case .arrays(let lists):
            return try Self.lend(lists.lists[list].ids, lists.lists[list].codes, body)
        case .blocks(let lists):
            return try Self.lend(lists.lists[list].ids, lists.lists[list].codes, body)
        case .disk(let lists):
            return try lists.withList(list, body)
        }
    }

    private static func lend<Result>(
        _ ids: Storage<Int64>, _ codes: Storage<UInt8>, _ body: (Contents) throws -> Result
    ) rethrows -> Result {
        try ids.withUnsafeBufferPointer { ids in
            try codes.withUnsafeBytes { codes in
                try body(
                    Contents(count: ids.count, ids: ids.baseAddress, codes: codes.baseAddress))
            }
        }
    }

    /// Throws if part of the file that lists are in vanished.
    func checkIntact() throws(IndexFileError) {
        switch self {
        case .none: break
        case .arrays(let lists): try lists.checkIntact()
        case .blocks(let lists): try lists.checkIntact()
        case .disk(let lists): try lists.checkIntact()
        }
    }

    /// All labels of a list.
    func ids(_ list: Int) -> [Int64] {
        withList(list) { Array(UnsafeBufferPointer(start: $0.ids, count: $0.count)) }
    }
}

/// Lists whose codes and labels stand in arrays.
struct ArrayLists: Sendable {
    struct List: Sendable {
        var ids: Storage<Int64>
        var codes: Storage<UInt8>

        init(ids: Storage<Int64> = Storage(), codes: Storage<UInt8> = Storage()) {
            self.ids = ids
            self.codes = codes
        }

        /// Adds a vector at the end.
        mutating func append(_ id: Int64, _ code: ArraySlice<UInt8>) {
            ids.modify { $0.append(id) }
            codes.modify { $0 += code }
        }
    }

    let codeSize: Int
    var lists: [List]
    /// The file that lists are lent from, if they are.
    private var mapping: MappedIndexFile?

    init(codeSize: Int, lists: [List]) {
        self.codeSize = codeSize
        self.lists = lists
    }
}

extension InvertedLists {
    /// Reads lists; `codeSize` is nil for blocks.
    static func read(
        _ reader: inout IndexReader, listCount: Int, codeSize: Int?
    ) throws -> InvertedLists {
        try reader.nested("invlists") { reader in
            let type = try reader.fourCC("type")
            switch type {
            case "il00":
                return .none
            case "ilar":
                return .arrays(
                    try ArrayLists(reading: &reader, listCount: listCount, codeSize: codeSize))
            case "ilbl":
                return .blocks(try BlockLists(reading: &reader, listCount: listCount))
            case "ilod":
                return .disk(
                    try DiskLists(reading: &reader, listCount: listCount, codeSize: codeSize))
            default:
                throw reader.refusal(of: type)
            }
        }
    }

    func write(to writer: inout IndexWriter) throws {
        switch self {
        case .none: try writer.fourCC("il00")
        case .arrays(let lists): try lists.write(to: &writer)
        case .blocks(let lists): try lists.write(to: &writer)
        case .disk(let lists): try lists.write(to: &writer)
        }
    }
}

extension ArrayLists {
    init(reading reader: inout IndexReader, listCount: Int, codeSize: Int?) throws {
        _ = try reader.size("nlist", in: listCount...listCount)
        self.codeSize = try reader.size(
            "code_size", in: (codeSize ?? 0)...(codeSize ?? IndexHeader.dimensionLimit))
        var sizes: [(list: Int, size: Int)] = []
        let kind = try reader.fourCC("list_type")
        switch kind {
        case "full":
            let counts = try reader.vector("sizes", of: UInt64.self, count: listCount)
            for (list, count) in counts.enumerated() where count > 0 {
                sizes.append((list, Int(clamping: count)))
            }
        case "sprs":
            let pairs = try reader.vector("sizes", of: UInt64.self)
            try reader.require(
                pairs.count.isMultiple(of: 2), "sizes", found: "\(pairs.count) elements",
                expected: "pairs")
            var next = 0
            for place in stride(from: 0, to: pairs.count, by: 2) {
                guard let list = Int(exactly: pairs[place]), list >= next, list < listCount else {
                    throw reader.failure(
                        "sizes", found: "list \(pairs[place])",
                        expected: "ascending and below \(listCount)")
                }
                next = list + 1
                sizes.append((list, Int(clamping: pairs[place + 1])))
            }
        default:
            throw reader.failure(
                "list_type", at: reader.position - 4, .unknownType(kind.description))
        }
        // A list takes 24 bytes even if it is empty.
        try reader.require(
            listCount <= InvertedFile.listLimit, "nlist", found: listCount,
            expected: "at most \(InvertedFile.listLimit)")
        lists = Array(repeating: List(), count: listCount)
        mapping = reader.mapping
        for (list, size) in sizes {
            let byteCount = try reader.product("list\(list).codes", size, self.codeSize)
            let codes = try reader.storage(
                "list\(list).codes", count: byteCount, of: UInt8.self)
            lists[list] = List(
                ids: try reader.storage("list\(list).ids", count: size, of: Int64.self),
                codes: codes)
        }
    }

    /// Reads the codes of an older file, for labels that were read before.
    init(
        reading reader: inout IndexReader, ids: [[Int64]], codeSize: Int, unitSize: Int
    ) throws {
        self.codeSize = codeSize
        lists = []
        for (list, ids) in ids.enumerated() {
            let byteCount = try reader.product("list\(list).codes", ids.count, codeSize)
            _ = try reader.size(
                "list\(list).codes.size", in: byteCount / unitSize...byteCount / unitSize)
            let codes = try reader.elements(
                "list\(list).codes", count: byteCount, of: UInt8.self)
            lists.append(List(ids: Storage(ids), codes: Storage(codes)))
        }
    }

    func checkIntact() throws(IndexFileError) { try mapping?.checkIntact() }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("ilar")
        try writer.size(lists.count)
        try writer.size(codeSize)
        let filled = lists.indices.filter { !lists[$0].ids.isEmpty }
        if filled.count > lists.count / 2 {
            try writer.fourCC("full")
            try writer.vector(lists.map { UInt64($0.ids.count) })
        } else {
            try writer.fourCC("sprs")
            try writer.vector(filled.flatMap { [UInt64($0), UInt64(lists[$0].ids.count)] })
        }
        for list in filled {
            try writer.elements(lists[list].codes)
            try writer.elements(lists[list].ids)
        }
    }
}

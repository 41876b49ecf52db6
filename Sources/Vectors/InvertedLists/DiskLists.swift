/// Lists in a file of their own, which is mapped; the index only says where they are.
///
/// A list has a capacity: that many codes come first, then as many labels.
struct DiskLists: Sendable {
    struct List: Sendable {
        let count: Int
        let capacity: Int
        let offset: UInt64
    }

    let codeSize: Int
    let lists: [List]
    /// Offsets and capacities of free ranges, kept as they are.
    private let freeSlots: [UInt64]
    private let fileName: [UInt8]
    private let totalSize: UInt64
    private let file: MappedIndexFile

    /// Lists that stand in a file already.
    init(
        lists: [List], codeSize: Int, freeSlots: [UInt64], fileName: String, totalSize: UInt64,
        file: MappedIndexFile
    ) {
        self.lists = lists
        self.codeSize = codeSize
        self.freeSlots = freeSlots
        self.fileName = Array(fileName.utf8)
        self.totalSize = totalSize
        self.file = file
    }

    init(reading reader: inout IndexReader, listCount: Int, codeSize: Int?) throws {
        _ = try reader.size("nlist", in: listCount...listCount)
        let codeSize = try reader.size(
            "code_size", in: (codeSize ?? 0)...(codeSize ?? IndexHeader.dimensionLimit))
        self.codeSize = codeSize
        let listStart = reader.position
        let places = try reader.size("lists.size", in: listCount...listCount)
        let numbers = try reader.elements(
            "lists", count: try reader.product("lists", places, 3), of: UInt64.self)
        let slotCount = try reader.size("slots.size", in: 0...Int(Int32.max))
        freeSlots = try reader.elements(
            "slots", count: try reader.product("slots", slotCount, 2), of: UInt64.self)
        let nameStart = reader.position
        fileName = try reader.vector("filename", of: UInt8.self)
        totalSize = try reader.u64("totsize")
        let file = try Self.open(fileName, reader, at: nameStart)
        self.file = file
        lists = try (0..<listCount).map { list in
            let (size, capacity, offset) = (
                numbers[3 * list], numbers[3 * list + 1], numbers[3 * list + 2]
            )
            let bytes = capacity.multipliedReportingOverflow(by: UInt64(codeSize) + 8)
            let end = offset.addingReportingOverflow(bytes.partialValue)
            guard
                size <= capacity,
                capacity == 0
                    || !bytes.overflow && !end.overflow && end.partialValue <= file.byteCount
            else {
                throw reader.failure(
                    "list\(list)", at: listStart,
                    found: "\(size) of \(capacity) codes at \(offset)",
                    expected: "inside the \(file.byteCount) bytes of \(file.path)")
            }
            return List(count: Int(size), capacity: Int(clamping: capacity), offset: offset)
        }
    }

    /// Maps the file beside the index that has the last component of the stored name.
    private static func open(
        _ stored: [UInt8], _ reader: IndexReader, at offset: Int
    ) throws -> MappedIndexFile {
        guard let folder = reader.folder else {
            throw reader.failure(
                "filename", at: offset, found: "a name of a file",
                expected: "absent in an index that is read from memory")
        }
        let last =
            stored.lastIndex(of: UInt8(ascii: "/")).map { stored[($0 + 1)...] } ?? stored[...]
        guard let name = String(validating: last, as: UTF8.self), !name.isEmpty, name != ".",
            name != "..", !last.contains(0)
        else {
            throw reader.failure(
                "filename", at: offset, found: "\(stored.count) bytes that name no file",
                expected: "the name of a file beside the index")
        }
        return try MappedIndexFile(path: folder + "/" + name)
    }

    func withList<Result>(
        _ list: Int, _ body: (InvertedLists.Contents) throws -> Result
    ) rethrows -> Result {
        let place = lists[list]
        guard place.count > 0, let base = file.bytes.baseAddress else {
            return try body(InvertedLists.Contents(count: 0, ids: nil, codes: nil))
        }
        let codes = base + Int(place.offset)
        // The labels may stand at any byte.
        let ids = [Int64](unsafeUninitializedCapacity: place.count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(
                    start: codes + place.capacity * codeSize, count: place.count * 8))
            initialized = place.count
        }
        return try ids.withUnsafeBufferPointer { ids in
            try body(
                InvertedLists.Contents(count: place.count, ids: ids.baseAddress, codes: codes))
        }
    }

    /// The lists in memory.
    func loaded() -> ArrayLists {
        ArrayLists(
            codeSize: codeSize,
            lists: lists.indices.map { list in
                withList(list) { contents in
                    let bytes = UnsafeRawBufferPointer(
                        start: contents.codes, count: contents.count * codeSize)
                    let ids = UnsafeBufferPointer(start: contents.ids, count: contents.count)
                    return ArrayLists.List(ids: Storage(Array(ids)), codes: Storage(Array(bytes)))
                }
            })
    }

    var path: String { file.path }

    func checkIntact() throws(IndexFileError) { try file.checkIntact() }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("ilod")
        try writer.size(lists.count)
        try writer.size(codeSize)
        try writer.size(lists.count)
        for list in lists {
            try writer.size(list.count)
            try writer.size(list.capacity)
            try writer.value(list.offset)
        }
        try writer.size(freeSlots.count / 2)
        try writer.elements(freeSlots)
        try writer.vector(fileName)
        try writer.value(totalSize)
    }
}

/// Lists whose codes are interleaved in blocks; see `FastScanBlocks`.
struct BlockLists: Sendable {
    /// Vectors of a block.
    let blockRows: Int
    /// Bytes of a block.
    let blockSize: Int
    /// Bytes of a code, or all ones where Faiss does not say.
    private let codeSize: UInt64
    var lists: [ArrayLists.List]
    private let mapping: MappedIndexFile?

    init(blockRows: Int, blockSize: Int, lists: [ArrayLists.List]) {
        self.blockRows = blockRows
        self.blockSize = blockSize
        self.lists = lists
        // Faiss does not say how many bytes a code has in blocks.
        codeSize = .max
        mapping = nil
    }

    /// As many lists with nothing in them.
    func emptied() -> BlockLists {
        var emptied = self
        emptied.lists = Array(repeating: .init(), count: lists.count)
        return emptied
    }

    init(reading reader: inout IndexReader, listCount: Int) throws {
        _ = try reader.size("nlist", in: listCount...listCount)
        codeSize = try reader.u64("code_size")
        blockRows = try reader.size("n_per_block", in: 1...IndexHeader.dimensionLimit)
        blockSize = try reader.size("block_size", in: 1...Int(Int32.max))
        mapping = reader.mapping
        lists = []
        for list in 0..<listCount {
            let ids = try reader.vectorStorage("list\(list).ids", of: Int64.self)
            let blocks = ids.count / blockRows + (ids.count % blockRows > 0 ? 1 : 0)
            let codes = try reader.vectorStorage(
                "list\(list).codes", of: UInt8.self,
                count: try reader.product("list\(list).codes", blocks, blockSize))
            lists.append(ArrayLists.List(ids: ids, codes: codes))
        }
    }

    func checkIntact() throws(IndexFileError) { try mapping?.checkIntact() }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("ilbl")
        try writer.size(lists.count)
        try writer.value(codeSize)
        try writer.size(blockRows)
        try writer.size(blockSize)
        for list in lists {
            try writer.vector(list.ids)
            try writer.vector(list.codes)
        }
    }
}

extension DiskLists {
    /// Writes lists to a new file and maps it.
    ///
    /// - Parameters:
    ///   - path: of the file; under the name stands the whole new one or what stood there before.
    ///   - size: bytes of a code.
    init(moving lists: InvertedLists, codeSize size: Int, to path: String) throws {
        let layout = try DiskListsLayout(
            counts: (0..<lists.listCount).map { lists.count($0) }, entrySize: size + 8)
        let file = try AtomicIndexFile(path: path)
        var position: UInt64 = 0
        func pad(to end: UInt64) throws {
            while position < end {
                let count = min(end - position, 1 << 20)
                try file.append([UInt8](repeating: 0, count: Int(count)))
                position += count
            }
        }
        func append(_ bytes: UnsafeRawBufferPointer) throws {
            try file.append(Array(bytes))
            position += UInt64(bytes.count)
        }
        let order = layout.lists.indices.filter { layout.lists[$0].count > 0 }
            .sorted { layout.lists[$0].offset < layout.lists[$1].offset }
        for number in order {
            let place = layout.lists[number]
            try pad(to: place.offset)
            try lists.withList(number) { contents in
                try append(
                    UnsafeRawBufferPointer(start: contents.codes, count: contents.count * size))
                try pad(to: place.offset + UInt64(place.capacity * size))
                try append(
                    UnsafeRawBufferPointer(start: contents.ids, count: contents.count * 8))
            }
        }
        try pad(to: layout.totalSize)
        try file.commit()
        let name = path.split(separator: "/").last.map(String.init) ?? path
        self.init(
            lists: layout.lists, codeSize: size,
            freeSlots: layout.freeSlots.flatMap { [$0.offset, $0.size] }, fileName: name,
            totalSize: layout.totalSize, file: try MappedIndexFile(path: path))
    }
}

extension VectorIndex {
    /// Moves inverted lists into a file of their own, in which they are searched without loading.
    ///
    /// The index then only says where its lists are: write it beside that file, and move both
    /// together. Lists that are changed later come back into memory.
    /// - Throws: `IndexChangeError` for types without lists of plain codes, `IndexFileError`.
    public mutating func moveLists(toFile path: String) throws { try relocateLists(path) }

    public mutating func relocateLists(_ path: String) throws {
        throw IndexChangeError.refused(
            "keep lists in a file of their own", by: "\(Self.self)",
            remedy: "only inverted lists whose codes are not in blocks do; open others with "
                + "IndexFile.map")
    }
}

extension ListedIndex {
    public mutating func relocateLists(_ path: String) throws {
        guard case .rows(let size) = layout else {
            throw IndexChangeError.refused(
                "keep lists in a file of their own", by: "\(Self.self)",
                remedy: "only inverted lists whose codes are not in blocks do; open others with "
                    + "IndexFile.map")
        }
        file.lists = .disk(try DiskLists(moving: file.lists, codeSize: size, to: path))
    }
}

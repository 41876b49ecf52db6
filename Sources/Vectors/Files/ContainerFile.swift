/// Our own container of an index: the fields of Faiss's format in one section, each large array in
/// one of its own, and a checksum for each.
///
/// ```
/// "FathomIX", u32 version, zeros to 64        the start
/// sections, each from a multiple of 64 on     arrays, at last the fields
/// for each: u64 offset, u64 bytes, u64 sum    the table
/// u64 table offset, u64 sections, u64 sum     of the table and the two numbers before
/// "FathomIX"                                  the end
/// ```
///
/// Numbers are little-endian; sums are `Checksum`. Arrays begin where a vector instruction likes
/// them to, so that a mapped index is searched as fast as a loaded one.
enum ContainerFile {
    static let magic = Array("FathomIX".utf8)
    static let version: UInt32 = 1
    static let alignment = 64
    /// Bytes of an entry of the table, and of what follows it.
    static let entrySize = 24
    static let endSize = 32

    struct Section: Sendable {
        let offset: Int
        let byteCount: Int
        let checksum: UInt64
    }

    static func isContainer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= magic.count && bytes.prefix(magic.count).elementsEqual(magic)
    }

    /// The sections of a container, whose table is checked; the last has the fields.
    static func sections(
        _ bytes: UnsafeRawBufferPointer
    ) throws(IndexFileError) -> [Section] {
        func failure(_ field: String, _ found: String, _ expected: String) -> IndexFileError {
            IndexFileError(field: field, .badValue(found: found, expected: expected))
        }
        func number(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard bytes.count >= alignment + entrySize + endSize else {
            throw IndexFileError(
                field: "end",
                .cutShort(
                    neededBytes: UInt64(alignment + entrySize + endSize), leftBytes: bytes.count))
        }
        let found = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: magic.count, as: UInt32.self))
        guard found == version else {
            throw failure("version", "\(found)", "\(version); read it with a newer version")
        }
        let end = bytes.count - endSize
        guard bytes.suffix(magic.count).elementsEqual(magic) else {
            throw failure("end", "other bytes", "'FathomIX'; the file is cut short or damaged")
        }
        guard let table = Int(exactly: number(end)), let count = Int(exactly: number(end + 8)),
            table >= alignment, count > 0, count <= bytes.count / entrySize,
            table == end - count * entrySize
        else {
            throw failure("table", "\(number(end + 8)) sections", "as many as end before it")
        }
        guard
            Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[table..<end + 16]))
                == number(end + 16)
        else { throw failure("table", "another checksum", "that of its bytes") }
        var sections: [Section] = []
        for entry in stride(from: table, to: end, by: entrySize) {
            guard let offset = Int(exactly: number(entry)),
                let size = Int(exactly: number(entry + 8)), offset >= alignment, offset <= table,
                size <= table - offset
            else {
                throw failure(
                    "section\(sections.count)", "\(number(entry + 8)) bytes at \(number(entry))",
                    "inside the file")
            }
            sections.append(
                Section(offset: offset, byteCount: size, checksum: number(entry + 16)))
        }
        return sections
    }

    /// Throws unless a section has its checksum.
    static func check(
        _ section: Section, number: Int, _ bytes: UnsafeRawBufferPointer
    ) throws(IndexFileError) {
        let part = UnsafeRawBufferPointer(
            rebasing: bytes[section.offset..<section.offset + section.byteCount])
        guard Checksum.of(part) == section.checksum else {
            throw IndexFileError(
                offset: section.offset, field: "section\(number)",
                .badValue(
                    found: "another checksum",
                    expected: "that of its bytes; the file is damaged, copy it again"))
        }
    }
}

/// Writes the sections of a container as they come.
final class ContainerWriter {
    private let file: AtomicIndexFile
    private var position = 0
    private var sections: [ContainerFile.Section] = []

    init(file: AtomicIndexFile) throws(IndexFileError) {
        self.file = file
        var start = ContainerFile.magic
        withUnsafeBytes(of: ContainerFile.version.littleEndian) { start += $0 }
        try append(start)
    }

    private func append(_ bytes: [UInt8]) throws(IndexFileError) {
        try file.append(bytes)
        position += bytes.count
    }

    /// Writes a section of the parts that a closure gives until it gives none.
    func section(
        _ next: () throws(IndexFileError) -> [UInt8]?
    ) throws(IndexFileError) {
        let padding = (0 - position) & (ContainerFile.alignment - 1)
        if padding > 0 { try append(Array(repeating: 0, count: padding)) }
        let offset = position
        var checksum = Checksum()
        while let part = try next() {
            part.withUnsafeBytes { checksum.add($0) }
            try append(part)
        }
        sections.append(
            .init(offset: offset, byteCount: position - offset, checksum: checksum.value))
    }

    /// Writes the fields and the table, and brings the file under its name.
    func finish(fields: [UInt8]) throws(IndexFileError) {
        var parts = [fields]
        try section { () throws(IndexFileError) in parts.popLast() }
        let table = position
        var end: [UInt8] = []
        func add(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { end += $0 } }
        for section in sections {
            add(UInt64(section.offset))
            add(UInt64(section.byteCount))
            add(section.checksum)
        }
        add(UInt64(table))
        add(UInt64(sections.count))
        add(end.withUnsafeBytes { Checksum.of($0) })
        end += ContainerFile.magic
        try append(end)
        try file.commit()
    }
}

/// The container of a sealed segment: named sections, a checksum each.
///
///     0   "FATHOMSG"
///     8   u32 version, u32 number of sections, u64 length of the file
///     24  a section each: 24 bytes of name, u64 offset, u64 length, u32 checksum, u32 0
///         u32 checksum of all that
///         sections at multiples of 64 bytes, zeros between them
enum SegmentFile {
    static let magic: StaticString = "FATHOMSG"
    static let version: UInt32 = 1
    private static let headBytes = 24
    private static let entryBytes = 48
    private static let nameBytes = 24
    private static let alignment = 64
    private static let sectionLimit = 1024

    static func encode(_ sections: [(name: String, content: FilePiece)]) -> [FilePiece] {
        func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }
        let tableEnd = headBytes + sections.count * entryBytes + 4
        var offset = aligned(tableEnd)
        var table: [UInt8] = []
        var pieces: [FilePiece] = []
        var end = tableEnd
        func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for (name, content) in sections {
            let label = Array(name.utf8.prefix(nameBytes))
            table += label + Array(repeating: 0, count: nameBytes - label.count)
            append(UInt64(offset), to: &table)
            append(UInt64(content.count), to: &table)
            append(content.withBytes { CyclicChecksum(of: $0).value }, to: &table)
            append(UInt32(0), to: &table)
            pieces.append(.bytes(Array(repeating: 0, count: offset - end)))
            pieces.append(content)
            end = offset + content.count
            offset = aligned(end)
        }
        var head = magic.withUTF8Buffer { Array($0) }
        append(version, to: &head)
        append(UInt32(sections.count), to: &head)
        append(UInt64(end), to: &head)
        head += table
        append(head.withUnsafeBytes { CyclicChecksum(of: $0).value }, to: &head)
        return [.bytes(head)] + pieces
    }

    /// Finds the sections and checks all their bytes.
    static func sections(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(CollectionError) -> [String: UnsafeRawBufferPointer] {
        func damage(_ part: String, _ found: some Any) -> CollectionError {
            .damaged(path, part, found: found)
        }
        guard bytes.count >= headBytes + 4,
            bytes.prefix(8).elementsEqual(magic.withUTF8Buffer { Array($0) })
        else { throw damage("head", "it does not begin with '\(magic)'") }
        let count = Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        let tableEnd = headBytes + min(count, sectionLimit) * entryBytes
        guard count <= sectionLimit, bytes.count >= tableEnd + 4 else {
            throw damage("head", "\(count) sections in a file of \(bytes.count) bytes")
        }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<tableEnd])
        guard
            CyclicChecksum(of: head).value
                == bytes.loadUnaligned(fromByteOffset: tableEnd, as: UInt32.self)
        else { throw damage("head", "its checksum does not match") }
        let version = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        guard version == Self.version else {
            throw .damaged(
                path, "head", found: "its version is \(version); this one reads \(Self.version)",
                remedy: "open it with the version of Fathom that wrote it")
        }
        let length = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        guard length == UInt64(bytes.count) else {
            throw damage("file", "it has \(bytes.count) bytes of \(length)")
        }
        var sections: [String: UnsafeRawBufferPointer] = [:]
        for number in 0..<count {
            let entry = UnsafeRawBufferPointer(
                rebasing: bytes[
                    headBytes + number * entryBytes..<headBytes + (number + 1) * entryBytes])
            let name = String(decoding: entry.prefix(nameBytes).prefix { $0 != 0 }, as: UTF8.self)
            let offset = entry.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            let size = entry.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
            guard offset <= length, size <= length - offset, offset.isMultiple(of: 64) else {
                throw damage("section '\(name)'", "\(size) bytes at \(offset) of \(length)")
            }
            let content = UnsafeRawBufferPointer(
                rebasing: bytes[Int(offset)..<Int(offset + size)])
            guard
                CyclicChecksum(of: content).value
                    == entry.loadUnaligned(fromByteOffset: 40, as: UInt32.self)
            else { throw damage("section '\(name)'", "its checksum does not match") }
            guard sections.updateValue(content, forKey: name) == nil else {
                throw damage("head", "section '\(name)' is there twice")
            }
        }
        return sections
    }
}

import FathomKernels

/// CRC-32C, which finds any error of up to 32 bits that follow each other; by an instruction of the
/// processor where there is one, and without state, for the many small records of a log.
package struct CyclicChecksum {
    package private(set) var value: UInt32 = 0

    package init() {}

    package init(of bytes: UnsafeRawBufferPointer) {
        take(bytes)
    }

    package mutating func take(_ bytes: UnsafeRawBufferPointer) {
        fk_crc32c(&value, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count)
    }
}

/// A small file: eight characters that say what it is, a version, its content, and the checksum
/// of all that.
enum SealedFile {
    static let version: UInt32 = 1

    /// Frames what was written to memory.
    static func encode(_ magic: StaticString, _ content: IndexWriter) -> [UInt8] {
        var bytes = magic.withUTF8Buffer { Array($0) }
        withUnsafeBytes(of: version) { bytes.append(contentsOf: $0) }
        bytes += content.bytes
        let sum = bytes.withUnsafeBytes { CyclicChecksum(of: $0).value }
        withUnsafeBytes(of: sum) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Checks the frame and gives what is in it to a closure, which must read all of it.
    static func decode<Result>(
        _ magic: StaticString, _ bytes: UnsafeRawBufferPointer, _ part: String, of path: String,
        remedy: String = "bring the collection back from a copy",
        _ body: (inout IndexReader) throws -> Result
    ) throws(CollectionError) -> Result {
        func damage(_ found: some Any) -> CollectionError {
            .damaged(path, part, found: found, remedy: remedy)
        }
        guard bytes.count >= 16 else { throw damage("it has \(bytes.count) bytes") }
        let expected = magic.withUTF8Buffer { Array($0) }
        guard bytes.prefix(8).elementsEqual(expected) else {
            throw damage("it does not begin with '\(magic)'")
        }
        let end = bytes.count - 4
        let content = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let sum = bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self)
        guard CyclicChecksum(of: content).value == sum else {
            throw damage("its checksum does not match")
        }
        let version = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        guard version == Self.version else {
            throw CollectionError.damaged(
                path, part, found: "its version is \(version); this one reads \(Self.version)",
                remedy: "open it with the version of Fathom that wrote it")
        }
        let inside = UnsafeRawBufferPointer(rebasing: content[12...])
        return try IndexReader.reading(inside, part, of: path, remedy: remedy) { reader in
            let result = try body(&reader)
            guard reader.remaining == 0 else {
                throw reader.failure("end", .trailingBytes(reader.remaining))
            }
            return result
        }
    }
}

extension IndexWriter {
    /// A count of bytes and the UTF-8 of a text.
    mutating func text(_ text: String) throws(IndexFileError) { try vector(Array(text.utf8)) }
}

extension IndexReader {
    mutating func text(_ field: String) throws(IndexFileError) -> String {
        let start = position
        let bytes = try vector(field, of: UInt8.self)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure(field, at: start, found: "no UTF-8", expected: "UTF-8")
        }
        return text
    }
}

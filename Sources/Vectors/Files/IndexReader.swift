import FathomKernels

/// Reads the fields of an index from left to right; nothing is believed that was not checked.
///
/// A count is only followed by an allocation after the bytes it asks for were seen to be there, so
/// a file cannot make the reader hold more than its own size.
struct IndexReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0
    /// Where files named inside the index are looked up; nil for an index in memory.
    let folder: String?
    /// The file whose bytes these are, if large arrays are to be lent from it; nil to copy them.
    let mapping: MappedIndexFile?
    /// The container that large arrays are in sections of; nil for a file of Faiss's format.
    let container: MappedIndexFile?
    /// Sections of arrays that were not read yet, the next one last.
    private var sections: [ContainerFile.Section]
    private var place: [String] = []
    private var depth = 0

    /// How deep indexes may be inside one another.
    static let depthLimit = 50

    init(
        _ bytes: UnsafeRawBufferPointer, folder: String?,
        lendingFrom mapping: MappedIndexFile? = nil
    ) {
        container = nil
        sections = []
        self.bytes = bytes
        self.folder = folder
        self.mapping = mapping
    }

    var remaining: Int { bytes.count - position }

    func failure(
        _ field: String, at offset: Int? = nil, _ reason: IndexFileError.Reason
    ) -> IndexFileError {
        IndexFileError(
            offset: offset ?? position, field: (place + [field]).joined(separator: "/"), reason)
    }

    func failure(
        _ field: String, at offset: Int? = nil, found: some Any, expected: String
    ) -> IndexFileError {
        failure(field, at: offset, .badValue(found: "\(found)", expected: expected))
    }

    /// Throws unless a condition on what was read holds.
    func require(
        _ condition: Bool, _ field: String, found: @autoclosure () -> some Any,
        expected: @autoclosure () -> String
    ) throws(IndexFileError) {
        if !condition { throw failure(field, found: found(), expected: expected()) }
    }

    /// Reads something with a name of its own, one level deeper.
    mutating func nested<Result>(
        _ name: String, _ body: (inout IndexReader) throws -> Result
    ) throws -> Result {
        guard depth < Self.depthLimit else {
            throw failure(name, .tooDeep(limit: Self.depthLimit))
        }
        depth += 1
        place.append(name)
        defer {
            depth -= 1
            place.removeLast()
        }
        return try body(&self)
    }

    /// Reads the fields of a container.
    init(
        container: MappedIndexFile, _ sections: [ContainerFile.Section], folder: String?,
        lends: Bool
    ) {
        self.container = container
        let fields = sections.last
        bytes = UnsafeRawBufferPointer(
            rebasing: container.bytes[(fields?.offset ?? 0)...].prefix(fields?.byteCount ?? 0))
        self.sections = sections.dropLast().reversed()
        self.folder = folder
        mapping = lends ? container : nil
    }

    /// Sections that nothing was read from.
    var sectionsLeft: Int { sections.count }

    mutating func nextSection() -> ContainerFile.Section? { sections.popLast() }

    /// Passes over bytes that are there.
    mutating func skip(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= remaining, "bytes beyond the end")
        position += byteCount
    }

    // MARK: Numbers

    mutating func value<Value: BitwiseCopyable>(
        _ field: String, as type: Value.Type
    ) throws(IndexFileError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else {
            throw failure(field, .cutShort(neededBytes: UInt64(size), leftBytes: remaining))
        }
        defer { position += size }
        return bytes.loadUnaligned(fromByteOffset: position, as: Value.self)
    }

    mutating func u8(_ field: String) throws(IndexFileError) -> UInt8 {
        try value(field, as: UInt8.self)
    }

    mutating func i32(_ field: String) throws(IndexFileError) -> Int32 {
        try value(field, as: Int32.self)
    }

    mutating func u32(_ field: String) throws(IndexFileError) -> UInt32 {
        try value(field, as: UInt32.self)
    }

    mutating func i64(_ field: String) throws(IndexFileError) -> Int64 {
        try value(field, as: Int64.self)
    }

    mutating func u64(_ field: String) throws(IndexFileError) -> UInt64 {
        try value(field, as: UInt64.self)
    }

    mutating func f32(_ field: String) throws(IndexFileError) -> Float {
        try value(field, as: Float.self)
    }

    mutating func bool(_ field: String) throws(IndexFileError) -> Bool {
        let byte = try u8(field)
        guard byte <= 1 else {
            throw failure(field, at: position - 1, found: byte, expected: "0 or 1")
        }
        return byte == 1
    }

    mutating func fourCC(_ field: String) throws(IndexFileError) -> FourCC {
        FourCC(rawValue: try u32(field))
    }

    /// A 32-bit number in a range.
    mutating func int32(
        _ field: String, in range: ClosedRange<Int>
    ) throws(IndexFileError) -> Int {
        let value = Int(try i32(field))
        guard range.contains(value) else {
            throw failure(
                field, at: position - 4, found: value,
                expected: "from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A 64-bit size in a range.
    mutating func size(
        _ field: String, in range: ClosedRange<Int> = 0 ... .max
    ) throws(IndexFileError) -> Int {
        let value = try u64(field)
        guard let size = Int(exactly: value), range.contains(size) else {
            throw failure(
                field, at: position - 8, found: value,
                expected: "from \(range.lowerBound) to \(range.upperBound)")
        }
        return size
    }

    mutating func enumeration<Value: RawRepresentable<Int32>>(
        _ field: String, as type: Value.Type
    ) throws(IndexFileError) -> Value {
        let raw = try i32(field)
        guard let value = Value(rawValue: raw) else {
            throw failure(field, at: position - 4, found: raw, expected: "a known \(type)")
        }
        return value
    }

    // MARK: Arrays

    /// The next bytes.
    ///
    /// - Precondition: so many are left.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// A number of elements that follow each other.
    mutating func elements<Element: BitwiseCopyable>(
        _ field: String, count: Int, of type: Element.Type
    ) throws(IndexFileError) -> [Element] {
        let size = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count >= 0, !size.overflow, size.partialValue <= remaining else {
            let needed = UInt64(clamping: count).multipliedReportingOverflow(
                by: UInt64(MemoryLayout<Element>.stride))
            throw failure(
                field,
                .cutShort(
                    neededBytes: needed.overflow ? .max : needed.partialValue,
                    leftBytes: remaining))
        }
        guard count > 0 else { return [] }
        let source = take(size.partialValue)
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            // Searches jump about in what is large.
            if source.count >= largeArrayBytes {
                fk_prefer_huge_pages(buffer.baseAddress, source.count)
            }
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            initialized = count
        }
    }

    /// A count and its elements.
    mutating func vector<Element: BitwiseCopyable>(
        _ field: String, of type: Element.Type
    ) throws(IndexFileError) -> [Element] {
        let count = try u64(field + ".size")
        guard let exact = Int(exactly: count), exact <= remaining else {
            throw failure(
                field + ".size", at: position - 8,
                .cutShort(neededBytes: count, leftBytes: remaining))
        }
        return try elements(field, count: exact, of: type)
    }

    /// A count and its elements, of which there must be a certain number.
    mutating func vector<Element: BitwiseCopyable>(
        _ field: String, of type: Element.Type, count: Int
    ) throws(IndexFileError) -> [Element] {
        let start = position
        let elements = try vector(field, of: type)
        guard elements.count == count else {
            throw failure(
                field, at: start, found: "\(elements.count) elements", expected: "\(count)")
        }
        return elements
    }

    // MARK: Products

    /// The product of sizes, checked.
    func product(
        _ field: String, _ factors: Int...
    ) throws(IndexFileError) -> Int {
        var product = 1
        for factor in factors {
            let next = product.multipliedReportingOverflow(by: factor)
            guard factor >= 0, !next.overflow else {
                throw failure(
                    field, found: factors.map(String.init).joined(separator: " x "),
                    expected: "a size that fits 64 bits")
            }
            product = next.partialValue
        }
        return product
    }
}

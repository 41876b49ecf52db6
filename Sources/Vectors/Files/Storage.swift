/// Elements that an index keeps: an array of its own, memory that was read from a file, or a part
/// of a file that is mapped.
///
/// A mapped part takes no memory until it is looked at, and then only what the system likes to
/// keep of it. What is changed is brought into an array first.
struct Storage<Element: BitwiseCopyable & Sendable>: Sendable {
    private enum Place: Sendable {
        case array([Element])
        case memory(AlignedMemory, count: Int)
        case file(MappedIndexFile, offset: Int, count: Int)
    }

    private var place: Place

    init(_ array: [Element] = []) { place = .array(array) }

    /// Copies elements to where searches may jump about in them.
    init(copying source: UnsafeRawBufferPointer) {
        place = .memory(
            AlignedMemory(copying: source), count: source.count / MemoryLayout<Element>.stride)
    }

    /// - Precondition: the elements are inside the file.
    init(mapped file: MappedIndexFile, offset: Int, count: Int) {
        precondition(
            offset >= 0 && count >= 0
                && count <= (file.byteCount - offset) / MemoryLayout<Element>.stride,
            "elements beyond the end of the file")
        place = .file(file, offset: offset, count: count)
    }

    var count: Int {
        switch place {
        case .array(let array): array.count
        case .memory(_, let count): count
        case .file(_, _, let count): count
        }
    }

    var isEmpty: Bool { count == 0 }

    /// Lends the bytes; in a file they may begin at any address.
    func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        switch place {
        case .array(let array): return try array.withUnsafeBytes(body)
        case .memory(let memory, _):
            return try withExtendedLifetime(memory) { try body(memory.bytes) }
        case .file(let file, let offset, let count):
            let size = count * MemoryLayout<Element>.stride
            return try withExtendedLifetime(file) {
                try body(UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + size]))
            }
        }
    }

    /// Lends the elements; those that a file has at an odd address are copied for it.
    func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        if case .array(let array) = place { return try array.withUnsafeBufferPointer(body) }
        let lent: Result? = try withUnsafeBytes { bytes in
            let address = UInt(bitPattern: bytes.baseAddress)
            guard address.isMultiple(of: UInt(MemoryLayout<Element>.alignment)) else { return nil }
            return try body(bytes.assumingMemoryBound(to: Element.self))
        }
        if let lent { return lent }
        return try array.withUnsafeBufferPointer(body)
    }

    /// Whether the bytes may be taken for elements of a type.
    func isAligned<Other>(to type: Other.Type) -> Bool {
        withUnsafeBytes {
            UInt(bitPattern: $0.baseAddress).isMultiple(of: UInt(MemoryLayout<Other>.alignment))
        }
    }

    /// The elements as an array: a copy if they are in none.
    var array: [Element] {
        if case .array(let array) = place { return array }
        return withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                initialized = count
            }
        }
    }

    /// Changes the elements, which are brought into an array first.
    mutating func modify<Result>(_ body: (inout [Element]) throws -> Result) rethrows -> Result {
        var array = self.array
        // So that the array has one owner and is changed where it is.
        place = .array([])
        defer { place = .array(array) }
        return try body(&array)
    }

    /// Throws if part of the file vanished while it was in use.
    func checkIntact() throws(IndexFileError) {
        if case .file(let file, _, _) = place { try file.checkIntact() }
    }
}

extension IndexWriter {
    mutating func elements<Element>(
        _ storage: Storage<Element>
    ) throws(IndexFileError) {
        let total = storage.count * MemoryLayout<Element>.stride
        var done = 0
        try array(byteCount: total) { () throws(IndexFileError) in
            let size = min(1 << 20, total - done)
            guard size > 0 else { return nil }
            defer { done += size }
            return storage.withUnsafeBytes { Array($0[done..<done + size]) }
        }
    }

    /// A count and its elements.
    mutating func vector<Element>(
        _ storage: Storage<Element>
    ) throws(IndexFileError) {
        try size(storage.count)
        try elements(storage)
    }

    /// A count of 4-byte units and their bytes.
    mutating func units(_ bytes: Storage<UInt8>) throws(IndexFileError) {
        try size(bytes.count / 4)
        try elements(bytes)
    }
}

extension IndexReader {
    /// From so many bytes on arrays are lent from a mapped file; smaller ones are copied.
    static let lendingLimit = 1 << 12

    /// A number of elements that follow each other, lent if the reader lends.
    mutating func storage<Element: BitwiseCopyable & Sendable>(
        _ field: String, count: Int, of type: Element.Type
    ) throws(IndexFileError) -> Storage<Element> {
        let size = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        if container != nil, !size.overflow, size.partialValue >= Self.lendingLimit {
            return try sectionStorage(field, count: count, byteCount: size.partialValue)
        }
        guard count >= 0, !size.overflow, size.partialValue >= Self.lendingLimit,
            size.partialValue <= remaining, mapping != nil || size.partialValue >= largeArrayBytes
        else { return Storage(try elements(field, count: count, of: type)) }
        guard let mapping else { return Storage(copying: take(size.partialValue)) }
        let storage = Storage<Element>(mapped: mapping, offset: position, count: count)
        skip(size.partialValue)
        return storage
    }

    /// A count and its elements, if wanted a certain number, lent if the reader lends.
    mutating func vectorStorage<Element: BitwiseCopyable & Sendable>(
        _ field: String, of type: Element.Type, count: Int? = nil
    ) throws(IndexFileError) -> Storage<Element> {
        let start = position
        let found = try u64(field + ".size")
        // An array in a section of its own is not among the bytes that are left.
        guard let exact = Int(exactly: found), exact <= remaining || container != nil else {
            throw failure(
                field + ".size", at: start,
                .cutShort(neededBytes: found, leftBytes: remaining))
        }
        if let count, exact != count {
            throw failure(field, at: start, found: "\(found) elements", expected: "\(count)")
        }
        return try storage(field, count: exact, of: type)
    }

    /// A count of 4-byte units and their bytes, lent if the reader lends.
    mutating func unitStorage(
        _ field: String, byteCount: Int
    ) throws(IndexFileError) -> Storage<UInt8> {
        let start = position
        let count = try u64(field + ".size")
        let size = count.multipliedReportingOverflow(by: 4)
        guard !size.overflow, size.partialValue == UInt64(clamping: byteCount) else {
            throw failure(
                field, at: start, found: "\(count) units of 4 bytes",
                expected: "\(byteCount) bytes")
        }
        return try storage(field, count: byteCount, of: UInt8.self)
    }

    /// An array that has a section of its own in a container.
    private mutating func sectionStorage<Element: BitwiseCopyable & Sendable>(
        _ field: String, count: Int, byteCount: Int
    ) throws(IndexFileError) -> Storage<Element> {
        guard let container, let section = nextSection() else {
            throw failure(field, found: "no section", expected: "one of \(byteCount) bytes")
        }
        guard section.byteCount == byteCount,
            section.offset.isMultiple(of: ContainerFile.alignment)
        else {
            throw failure(
                field, found: "a section of \(section.byteCount) bytes at \(section.offset)",
                expected: "one of \(byteCount) bytes at a multiple of \(ContainerFile.alignment)")
        }
        let storage = Storage<Element>(mapped: container, offset: section.offset, count: count)
        return mapping == nil ? storage.withUnsafeBytes { Storage(copying: $0) } : storage
    }
}

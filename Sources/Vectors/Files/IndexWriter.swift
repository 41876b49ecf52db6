/// Writes the fields of an index, to memory or through a buffer to a file.
public struct IndexWriter {
    private var buffer: [UInt8] = []
    private let file: AtomicIndexFile?
    /// Where large arrays go, for a container; the fields are gathered in memory then.
    private let container: ContainerWriter?

    /// Bytes gathered before they go to the file.
    private static let bufferLimit = 1 << 20

    /// Keeps everything in memory.
    init() { (file, container) = (nil, nil) }

    init(file: AtomicIndexFile) { (self.file, container) = (file, nil) }

    init(container: ContainerWriter) { (file, self.container) = (nil, container) }

    /// The bytes written to memory.
    var bytes: [UInt8] { buffer }

    /// Brings the rest to the file.
    mutating func finish() throws(IndexFileError) {
        try flush()
        try file?.commit()
        try container?.finish(fields: buffer)
    }

    private mutating func flush() throws(IndexFileError) {
        guard let file, !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Writes an array of a certain size, part by part: into a section of a container if it is
    /// large, else among the fields.
    mutating func array(
        byteCount: Int, _ next: () throws(IndexFileError) -> [UInt8]?
    ) throws(IndexFileError) {
        if let container, byteCount >= IndexReader.lendingLimit {
            return try container.section(next)
        }
        while let part = try next() { try elements(part) }
    }

    mutating func value<Value: BitwiseCopyable>(_ value: Value) throws(IndexFileError) {
        withUnsafeBytes(of: value) { buffer.append(contentsOf: $0) }
        if file != nil, buffer.count >= Self.bufferLimit { try flush() }
    }

    mutating func u8(_ value: UInt8) throws(IndexFileError) { try self.value(value) }
    mutating func i32(_ value: Int) throws(IndexFileError) {
        try self.value(Int32(truncatingIfNeeded: value))
    }
    mutating func u32(_ value: UInt32) throws(IndexFileError) { try self.value(value) }
    mutating func i64(_ value: Int64) throws(IndexFileError) { try self.value(value) }
    mutating func size(_ value: Int) throws(IndexFileError) { try self.value(UInt64(value)) }
    mutating func f32(_ value: Float) throws(IndexFileError) { try self.value(value) }
    mutating func bool(_ value: Bool) throws(IndexFileError) {
        try self.value(UInt8(value ? 1 : 0))
    }
    mutating func fourCC(_ value: FourCC) throws(IndexFileError) { try self.value(value.rawValue) }

    mutating func elements<Element: BitwiseCopyable>(
        _ elements: [Element]
    ) throws(IndexFileError) {
        elements.withUnsafeBytes { buffer.append(contentsOf: $0) }
        if file != nil, buffer.count >= Self.bufferLimit { try flush() }
    }

    /// A count and its elements.
    mutating func vector<Element: BitwiseCopyable>(
        _ elements: [Element]
    ) throws(IndexFileError) {
        try size(elements.count)
        try self.elements(elements)
    }

    /// A count of 4-byte units and their bytes.
    mutating func units(_ bytes: [UInt8]) throws(IndexFileError) {
        try size(bytes.count / 4)
        try elements(bytes)
    }
}

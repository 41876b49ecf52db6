/// One operation on a collection, as the log has it.
enum Operation: Sendable {
    /// Rows that come, or replace those of the same ids.
    case put(RowBatch)
    case delete([Int64])
    /// The log ends here in order: everything before is on disk.
    case close
}

/// Rows on their way into a collection: checked, and with unit length where the metric wants it.
struct RowBatch: Sendable {
    let ids: [Int64]
    /// `[ids.count, dimension]`.
    let vectors: [Float]
    /// A row's values in the order of the columns; empty for a collection without columns.
    let fields: [[ColumnValue?]]

    init(ids: [Int64], vectors: [Float], fields: [[ColumnValue?]]) {
        self.ids = ids
        self.vectors = vectors
        self.fields = fields
    }
}

/// A record's frame: 24 bytes, then the payload.
///
/// `u32 length of the payload, u32 checksum, u64 sequence number, u64 durable`; `durable` is the
/// last operation that was known to be on disk when the record was written, so that a reader can
/// tell damage of what had been there from a tail that never was. The checksum covers the log's
/// salt, the frame's other fields and the payload.
struct RecordFrame {
    static let byteCount = 24

    let length: Int
    let checksum: UInt32
    let sequence: UInt64
    let durable: UInt64

    /// The frame at an offset; nil if fewer bytes are left.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard bytes.count - offset >= Self.byteCount else { return nil }
        length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        checksum = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        sequence = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        durable = bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)
    }

    static func checksum(
        salt: UInt64, length: UInt32, sequence: UInt64, durable: UInt64,
        payload: UnsafeRawBufferPointer
    ) -> UInt32 {
        var sum = CyclicChecksum()
        withUnsafeBytes(of: salt) { sum.take($0) }
        withUnsafeBytes(of: length) { sum.take($0) }
        withUnsafeBytes(of: sequence) { sum.take($0) }
        withUnsafeBytes(of: durable) { sum.take($0) }
        sum.take(payload)
        return sum.value
    }

    /// Whether the payload behind the frame at an offset is the one that was written.
    func matches(_ bytes: UnsafeRawBufferPointer, at offset: Int, salt: UInt64) -> Bool {
        let start = offset + Self.byteCount
        guard bytes.count - start >= length else { return false }
        return Self.checksum(
            salt: salt, length: UInt32(truncatingIfNeeded: length), sequence: sequence,
            durable: durable,
            payload: UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])) == checksum
    }

    /// Appends a record.
    static func append(
        _ payload: [UInt8], sequence: UInt64, durable: UInt64, salt: UInt64,
        to bytes: inout [UInt8]
    ) {
        let length = UInt32(truncatingIfNeeded: payload.count)
        let sum = payload.withUnsafeBytes {
            checksum(
                salt: salt, length: length, sequence: sequence, durable: durable, payload: $0)
        }
        withUnsafeBytes(of: length) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: sum) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: sequence) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: durable) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: payload)
    }
}

extension Operation {
    /// The payload of the record.
    func encoded() throws(IndexFileError) -> [UInt8] {
        var writer = IndexWriter()
        switch self {
        case .put(let batch):
            try writer.u8(1)
            try writer.vector(batch.ids)
            try writer.elements(batch.vectors)
            for row in batch.fields {
                for value in row { try writer.columnValue(value) }
            }
        case .delete(let ids):
            try writer.u8(2)
            try writer.vector(ids)
        case .close:
            try writer.u8(3)
        }
        return writer.bytes
    }

    /// Reads a payload, all of it.
    static func decode(
        _ reader: inout IndexReader, dimension: Int, columns: [ColumnDefinition]
    ) throws -> Operation {
        let kind = try reader.u8("operation")
        let operation: Operation
        switch kind {
        case 1:
            let ids = try reader.vector("ids", of: Int64.self)
            let vectors = try reader.elements(
                "vectors", count: try reader.product("vectors", ids.count, dimension),
                of: Float.self)
            var fields: [[ColumnValue?]] = []
            if !columns.isEmpty {
                for _ in ids {
                    var row: [ColumnValue?] = []
                    for column in columns { row.append(try reader.columnValue(column)) }
                    fields.append(row)
                }
            }
            operation = .put(RowBatch(ids: ids, vectors: vectors, fields: fields))
        case 2: operation = .delete(try reader.vector("ids", of: Int64.self))
        case 3: operation = .close
        default: throw reader.failure("operation", found: kind, expected: "1, 2 or 3")
        }
        guard reader.remaining == 0 else {
            throw reader.failure("end", .trailingBytes(reader.remaining))
        }
        return operation
    }
}

extension IndexWriter {
    /// The type of a value, 0 for none, and the value.
    fileprivate mutating func columnValue(_ value: ColumnValue?) throws(IndexFileError) {
        guard let value else { return try u8(0) }
        try u8(value.type.rawValue)
        switch value {
        case .integer(let value): try i64(value)
        case .double(let value): try self.value(value)
        case .string(let value): try text(value)
        case .boolean(let value): try bool(value)
        }
    }
}

extension IndexReader {
    fileprivate mutating func columnValue(
        _ column: ColumnDefinition
    ) throws(IndexFileError) -> ColumnValue? {
        let type = try u8(column.name)
        guard type != 0 else { return nil }
        guard type == column.type.rawValue else {
            throw failure(
                column.name, found: "type \(type)", expected: "\(column.type.rawValue) or 0")
        }
        switch column.type {
        case .integer: return .integer(try i64(column.name))
        case .double: return .double(try value(column.name, as: Double.self))
        case .string: return .string(try text(column.name))
        case .boolean: return .boolean(try bool(column.name))
        }
    }
}

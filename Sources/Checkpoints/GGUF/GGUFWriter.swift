public import FathomTensors

/// Writes a GGUF file of version 3, whose tensors may come one at a time and in any order.
///
/// Tensors lie in the file in the order of their announcement, aligned to 32 bytes unless the
/// metadata says otherwise. The file appears under its name with `finish()`, whole; see
/// `WriteError`.
public final class GGUFWriter {
    /// The tensors in the order of the file, in which writing is fastest.
    public let layout: [TensorInfo]
    private let offsets: [Int]
    private let index: NameIndex
    private var isWritten: [Bool]
    private let file: AtomicFile

    /// Writes the header and makes room for the tensors.
    ///
    /// - Throws: `GGUFError` for what the format cannot hold, `WriteError`.
    public convenience init(
        path: String, metadata: GGUFMetadata, _ tensors: [TensorInfo]
    ) throws {
        try self.init(path: path, metadata: metadata, tensors, calls: .system)
    }

    package init(
        path: String, metadata: GGUFMetadata, _ tensors: [TensorInfo], calls: FileCalls
    ) throws {
        let alignment: Int
        switch metadata["general.alignment"] {
        case nil: alignment = 32
        case .uint32(let number)? where number.nonzeroBitCount == 1 && number <= 1 << 20:
            alignment = Int(number)
        case .uint32(let number)?: throw GGUFError(path, .badAlignment(number))
        case let other?: throw GGUFError(path, .alignmentType(found: other.type))
        }
        var header = GGUFEncoder()
        header.append(bytes: "GGUF".utf8)
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(metadata.count))
        for (key, value) in metadata.pairs {
            guard !key.isEmpty else { throw GGUFError(path, .emptyKey(offset: header.bytes.count)) }
            header.append(key)
            header.append(value.type.rawValue)
            header.append(value)
        }
        var index = NameIndex()
        var offsets: [Int] = []
        var end = 0
        for info in tensors {
            try Self.check(info, path)
            guard index.insert(info.name) else {
                throw GGUFError(path, .duplicateTensor(info.name))
            }
            header.append(info.name)
            header.append(UInt32(info.shape.count))
            // The format names the innermost dimension first.
            for size in info.shape.reversed() { header.append(UInt64(size)) }
            header.append(UInt32(bitPattern: info.dtype.rawValue))
            header.append(UInt64(end))
            offsets.append(end)
            guard let next = GGUFHeader.padded(end, info.byteCount, to: alignment) else {
                throw GGUFError(path, .tooManyBytes(tensor: info.name))
            }
            end = next
        }
        header.pad(to: alignment)
        let (total, overflow) = header.bytes.count.addingReportingOverflow(end)
        guard !overflow else {
            throw GGUFError(path, .tooManyBytes(tensor: tensors.last?.name ?? ""))
        }
        layout = tensors
        self.index = index
        self.offsets = offsets.map { header.bytes.count + $0 }
        isWritten = Array(repeating: false, count: tensors.count)
        file = try AtomicFile(path: path, byteCount: total, calls: calls)
        try header.bytes.withUnsafeBytes { try file.write($0, at: 0) }
    }

    private static func check(_ info: TensorInfo, _ path: String) throws(GGUFError) {
        guard !info.name.isEmpty else { throw GGUFError(path, .emptyTensorName(offset: 0)) }
        guard info.name.utf8.count < GGUFLimits.maximumTensorNameBytes else {
            throw GGUFError(
                path,
                .tensorNameTooLong(
                    name: info.name, bytes: info.name.utf8.count,
                    limit: GGUFLimits.maximumTensorNameBytes - 1))
        }
        guard info.dtype.rawValue < 1000 else {
            throw GGUFError(
                path, .notWritable(tensor: info.name, found: "the type \(info.dtype.name)"))
        }
        guard info.shape.count <= 4 else {
            throw GGUFError(
                path, .notWritable(tensor: info.name, found: "\(info.shape.count) dimensions"))
        }
        let rowLength = info.shape.last ?? 1
        guard rowLength % info.dtype.blockElements == 0 else {
            throw GGUFError(
                path,
                .brokenRow(
                    tensor: info.name, rowLength: rowLength, type: info.dtype.name,
                    block: info.dtype.blockElements))
        }
        guard SafetensorsHeader.byteCount(info.shape, info.dtype) == info.byteCount else {
            throw GGUFError(path, .tooManyBytes(tensor: info.name))
        }
    }

    /// Writes one of the announced tensors.
    ///
    /// - Throws: `GGUFError` if it was not announced with this type and shape, or was written
    ///   before; `WriteError`.
    public func write(_ tensor: Tensor, as name: String) throws {
        guard let position = index.position(of: name), !isWritten[position],
            layout[position].dtype == tensor.dtype, layout[position].shape == tensor.shape.sizes
        else { throw GGUFError(file.path, .notAsAnnounced(tensor: name)) }
        try tensor.withBytes { try file.write($0, at: offsets[position]) }
        isWritten[position] = true
    }

    /// Gives the file its name.
    ///
    /// - Throws: `GGUFError` if a tensor is missing, `WriteError`.
    public func finish() throws {
        if let missing = isWritten.firstIndex(of: false) {
            throw GGUFError(file.path, .notAsAnnounced(tensor: layout[missing].name))
        }
        try file.commit()
    }

    /// Writes a file of tensors at hand.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: GGUFMetadata, to path: String
    ) throws {
        let writer = try GGUFWriter(
            path: path, metadata: metadata, tensors.map { TensorInfo($0.tensor, name: $0.name) })
        for (name, tensor) in tensors { try writer.write(tensor, as: name) }
        try writer.finish()
    }
}

/// Appends values as the format stores them.
private struct GGUFEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func append(bytes more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ string: String) {
        append(UInt64(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }

    /// Appends a value without its type.
    mutating func append(_ value: GGUFValue) {
        switch value {
        case .uint8(let number): append(number)
        case .int8(let number): append(number)
        case .uint16(let number): append(number)
        case .int16(let number): append(number)
        case .uint32(let number): append(number)
        case .int32(let number): append(number)
        case .uint64(let number): append(number)
        case .int64(let number): append(number)
        case .float32(let number): append(number.bitPattern)
        case .float64(let number): append(number.bitPattern)
        case .bool(let truth): append(UInt8(truth ? 1 : 0))
        case .string(let string): append(string)
        case .array(let array):
            append(array.elementType.rawValue)
            append(UInt64(array.count))
            array.withBytes { bytes.append(contentsOf: $0) }
        }
    }

    mutating func pad(to alignment: Int) {
        let rest = bytes.count % alignment
        if rest > 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - rest)) }
    }
}

import FathomJSON
public import FathomTensors

/// Writes a safetensors file, whose tensors may come one at a time and in any order.
///
/// ```swift
/// let writer = try SafetensorsWriter(path: "model.safetensors", infos)
/// for info in writer.layout { try writer.write(make(info.name), as: info.name) }
/// try writer.finish()
/// ```
///
/// The bytes depend on the content alone and are those of the reference implementation: metadata
/// first, tensors by falling alignment of their types and then by name, the header padded with
/// spaces to a multiple of eight. The file appears under its name with `finish()`, whole; see
/// `WriteError`.
public final class SafetensorsWriter {
    /// The tensors in the order of the file, in which writing is fastest.
    public let layout: [TensorInfo]
    private let offsets: [Int]
    private let index: NameIndex
    private var isWritten: [Bool]
    private let file: AtomicFile

    /// Writes the header and makes room for the tensors.
    ///
    /// - Throws: `SafetensorsError` for tensors the format cannot hold, `WriteError`.
    public convenience init(
        path: String, _ tensors: [TensorInfo], metadata: [(key: String, value: String)] = []
    ) throws {
        try self.init(path: path, tensors, metadata: metadata, calls: .system)
    }

    package init(
        path: String, _ tensors: [TensorInfo], metadata: [(key: String, value: String)],
        calls: FileCalls
    ) throws {
        layout = tensors.sorted { a, b in
            let (first, second) = (a.dtype.safetensorsOrder, b.dtype.safetensorsOrder)
            return first == second
                ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : first > second
        }
        var index = NameIndex()
        var entries: [(String, JSONValue)] = []
        if !metadata.isEmpty {
            var keys = NameIndex()
            for (key, _) in metadata where !keys.insert(key) {
                throw SafetensorsError(path, .duplicateKey(key))
            }
            let pairs = metadata.map { ($0.key, JSONValue.string($0.value)) }
            entries.append(("__metadata__", .object(JSONObject(pairs))))
        }
        var offsets: [Int] = []
        var end = 0
        for info in layout {
            guard let type = info.dtype.safetensorsName else {
                throw SafetensorsError(
                    path, .unsupportedType(tensor: info.name, name: info.dtype.name))
            }
            guard info.name != "__metadata__", index.insert(info.name) else {
                throw SafetensorsError(path, .duplicateKey(info.name))
            }
            let (next, overflow) = end.addingReportingOverflow(info.byteCount)
            guard !overflow, SafetensorsHeader.byteCount(info.shape, info.dtype) == info.byteCount
            else {
                throw SafetensorsError(path, .sizeOverflow(tensor: info.name, shape: info.shape))
            }
            let shape = info.shape.map { JSONValue.integer($0) }
            entries.append(
                (
                    info.name,
                    .object([
                        "dtype": .string(type), "shape": .array(shape),
                        "data_offsets": [.integer(end), .integer(next)],
                    ])
                ))
            offsets.append(end)
            end = next
        }
        var header = JSONValue.object(JSONObject(entries)).serializedBytes()
        header.append(contentsOf: repeatElement(0x20, count: (8 - header.count % 8) % 8))
        guard header.count <= 100_000_000 else {
            throw SafetensorsError(
                path, .headerTooLarge(bytes: UInt64(header.count), limit: 100_000_000))
        }
        let dataStart = 8 + header.count
        let (total, overflow) = dataStart.addingReportingOverflow(end)
        guard !overflow else {
            throw SafetensorsError(
                path, .sizeOverflow(tensor: layout.last?.name ?? "", shape: [end]))
        }
        self.index = index
        self.offsets = offsets.map { dataStart + $0 }
        isWritten = Array(repeating: false, count: layout.count)
        file = try AtomicFile(path: path, byteCount: total, calls: calls)
        try withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes in
            try file.write(bytes, at: 0)
        }
        try header.withUnsafeBytes { try file.write($0, at: 8) }
    }

    /// Writes one of the announced tensors.
    ///
    /// - Throws: `SafetensorsError` if it was not announced with this type and shape, or was
    ///   written before; `WriteError`.
    public func write(_ tensor: Tensor, as name: String) throws {
        guard let position = index.position(of: name), !isWritten[position],
            layout[position].dtype == tensor.dtype, layout[position].shape == tensor.shape.sizes
        else { throw SafetensorsError(file.path, .notAsAnnounced(tensor: name)) }
        try tensor.withBytes { try file.write($0, at: offsets[position]) }
        isWritten[position] = true
    }

    /// Gives the file its name.
    ///
    /// - Throws: `SafetensorsError` if a tensor is missing, `WriteError`.
    public func finish() throws {
        if let missing = isWritten.firstIndex(of: false) {
            throw SafetensorsError(file.path, .notAsAnnounced(tensor: layout[missing].name))
        }
        try file.commit()
    }

    /// Writes a file of tensors at hand.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)],
        metadata: [(key: String, value: String)] = [], to path: String
    ) throws {
        let writer = try SafetensorsWriter(
            path: path, tensors.map { TensorInfo($0.tensor, name: $0.name) }, metadata: metadata)
        for (name, tensor) in tensors { try writer.write(tensor, as: name) }
        try writer.finish()
    }
}

extension TensorInfo {
    /// Describes a tensor at hand.
    public init(_ tensor: Tensor, name: String) {
        self.init(
            name: name, dtype: tensor.dtype, shape: tensor.shape.sizes, byteCount: tensor.byteCount)
    }
}

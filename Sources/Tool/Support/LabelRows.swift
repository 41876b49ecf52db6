import FathomCheckpoints
import FathomTensors

/// Labels of the nearest of each query, from a file: `.ivecs`, `.npy`, or safetensors with a tensor
/// `labels` as `fathom search` writes it.
struct LabelRows {
    /// `[rows, width]`.
    let labels: [Int64]
    let rowCount: Int

    init(path: String) throws {
        if path.hasSuffix(".ivecs") {
            self = try Self.ivecs(path)
        } else if path.hasSuffix(".npy") {
            self = try Self.npy(path)
        } else {
            self = try Self.safetensors(path)
        }
    }

    private init(_ labels: [Int64], rowCount: Int) {
        self.labels = labels
        self.rowCount = rowCount
    }

    private static func ivecs(_ path: String) throws -> LabelRows {
        let (labels, width) = try CountedRows.read(path, of: Int32.self, noun: "labels")
        return LabelRows(labels.map { Int64($0) }, rowCount: labels.count / width)
    }

    private static func npy(_ path: String) throws -> LabelRows {
        try MappedFile.read(path) { bytes in
            let header = try NumPyHeader(bytes, path: path)
            let data = UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
            guard header.type == "<i8" || header.type == "<i4" else {
                throw ToolError("\(path): holds '\(header.type)'; it must be '<i8' or '<i4'")
            }
            let size = header.type == "<i8" ? 8 : 4
            guard header.isRowMajor, header.shape.count == 2, header.shape[1] > 0,
                data.count.isMultiple(of: size * header.shape[1]),
                data.count / size / header.shape[1] == header.shape[0]
            else { throw ToolError("\(path): is no whole array of rows in C order") }
            let labels = Swift.stride(from: 0, to: data.count, by: size).map { place in
                size == 8
                    ? data.loadUnaligned(fromByteOffset: place, as: Int64.self)
                    : Int64(data.loadUnaligned(fromByteOffset: place, as: Int32.self))
            }
            return LabelRows(labels, rowCount: header.shape[0])
        }
    }

    private static func safetensors(_ path: String) throws -> LabelRows {
        let file = try SafetensorsFile(path: path)
        let tensor = try file.tensor("labels")
        let shape = tensor.shape.sizes
        guard shape.count == 2, shape[1] > 0, tensor.dtype == .i64 else {
            throw ToolError(
                "\(path): 'labels' is \(tensor.dtype.name) of shape \(tensor.shape); it must be "
                    + "I64 [queries, k]")
        }
        let labels = tensor.int64Array()
        try file.checkIntact()
        return LabelRows(labels, rowCount: shape[0])
    }
}

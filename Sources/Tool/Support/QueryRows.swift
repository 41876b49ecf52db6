import FathomCheckpoints
import FathomTensors
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Rows of vectors from a file: `.fvecs`, `.npy`, or safetensors with a tensor `queries`.
enum QueryRows {
    case floats([Float], dimension: Int)
    case bytes([UInt8], codeSize: Int)

    /// - Parameter tensor: the name of the tensor in a safetensors file.
    init(path: String, tensor: String = "queries") throws {
        if path.hasSuffix(".fvecs") {
            self = try Self.fvecs(path)
        } else if path.hasSuffix(".npy") {
            self = try Self.npy(path)
        } else {
            self = try Self.safetensors(path, tensor)
        }
    }

    /// The rows as vectors of floats.
    ///
    /// - Parameter path: the file that an error names.
    func vectors(_ path: String) throws -> VectorRows {
        switch self {
        case .floats(let values, let dimension):
            return try VectorRows(values, dimension: dimension)
        case .bytes:
            throw ToolError("\(path): holds bytes; give vectors of floats (F32)")
        }
    }

    private static func fvecs(_ path: String) throws -> QueryRows {
        let (values, dimension) = try CountedRows.read(path, of: Float.self, noun: "components")
        return .floats(values, dimension: dimension)
    }

    /// NumPy's format 1.0 to 3.0 with two axes in C order.
    private static func npy(_ path: String) throws -> QueryRows {
        try MappedFile.read(path) { bytes in
            let header = try NumPyHeader(bytes, path: path)
            let data = UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
            guard header.isRowMajor, header.shape.count == 2, header.shape[1] > 0 else {
                throw ToolError("\(path): is no array of rows in C order")
            }
            let count = header.shape[0].multipliedReportingOverflow(by: header.shape[1])
            let size = header.type == "<f4" ? 4 : 1
            guard !count.overflow, count.partialValue <= data.count / size,
                count.partialValue * size == data.count
            else {
                throw ToolError(
                    "\(path): \(data.count) bytes of data do not fit the shape \(header.shape)")
            }
            switch header.type {
            case "<f4":
                let values = (0..<count.partialValue).map {
                    data.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                }
                return .floats(values, dimension: header.shape[1])
            case "|u1":
                return .bytes(Array(data), codeSize: header.shape[1])
            default:
                throw ToolError("\(path): holds '\(header.type)'; it must be '<f4' or '|u1'")
            }
        }
    }

    private static func safetensors(_ path: String, _ name: String) throws -> QueryRows {
        let file = try SafetensorsFile(path: path)
        let tensor = try file.tensor(name)
        let shape = tensor.shape.sizes
        guard shape.count == 2, shape[1] > 0 else {
            throw ToolError("\(path): '\(name)' has shape \(tensor.shape); it must be [rows, d]")
        }
        let rows: QueryRows
        switch tensor.dtype {
        case .u8: rows = .bytes(tensor.withBytes { Array($0) }, codeSize: shape[1])
        case .f32: rows = .floats(tensor.floatArray(), dimension: shape[1])
        default:
            throw ToolError("\(path): '\(name)' is \(tensor.dtype.name); it must be F32 or U8")
        }
        try file.checkIntact()
        return rows
    }
}

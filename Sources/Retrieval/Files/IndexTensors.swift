import FathomCheckpoints
import FathomTensors

/// A safetensors file of an index, whose tensors are checked for type and size as they are read.
struct IndexTensors {
    private let file: SafetensorsFile
    private let path: String

    init(path: String) throws {
        self.path = path
        file = try SafetensorsFile(path: path)
    }

    /// The elements of an I64 tensor of one dimension.
    func numbers(_ name: String, count: Int? = nil) throws -> [Int64] {
        try tensor(name, .i64, count: count).int64Array()
    }

    /// The elements of a U8 tensor.
    func bytes(_ name: String) throws -> [UInt8] {
        try tensor(name, .u8, count: nil).withBytes { Array($0) }
    }

    /// The elements of an F32 tensor of some rows.
    func floats(_ name: String, count: Int) throws -> [Float] {
        try tensor(name, .f32, count: count).floatArray()
    }

    private func tensor(_ name: String, _ type: DType, count: Int?) throws -> Tensor {
        guard let info = file.info(name) else {
            throw RetrievalError.damaged(path: path, reason: "'\(name)' is missing")
        }
        try require(
            info.dtype == type && (count.map { info.shape.reduce(1, *) == $0 } ?? true),
            "'\(name)' is \(info.dtype.name) \(info.shape)"
                + (count.map { ", not \(type.name) of \($0) elements" } ?? ", not \(type.name)"))
        return try file.tensor(name)
    }

    func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws {
        guard condition else { throw RetrievalError.damaged(path: path, reason: reason()) }
    }

    func checkIntact() throws { try file.checkIntact() }
}

extension Tensor {
    /// A U8 tensor of bytes.
    static func bytes(_ bytes: [UInt8]) -> Tensor {
        let tensor = Tensor(uninitialized: [bytes.count], dtype: .u8)
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                tensor.bytes.copyMemory(from: start, byteCount: source.count)
            }
        }
        return tensor
    }
}

import FathomCheckpoints
import FathomTensors
import FathomVectors

/// What a search of an index file gave, as tensors.
struct FoundVectors {
    let distances: Tensor
    let labels: Tensor

    init(_ found: Neighbors) {
        distances = Tensor(found.distances, shape: [found.queryCount, found.k])
        labels = Tensor(found.labels, shape: [found.queryCount, found.k])
    }

    /// Searches an index with rows of its kind.
    init(
        in file: IndexFile, of queries: QueryRows, k: Int, parameters: SearchParameters,
        threads: Int
    ) throws {
        switch (file, queries) {
        case (.vectors(let index), .floats(let values, let dimension)):
            let found = try index.search(
                VectorRows(values, dimension: dimension), k: k, parameters: parameters,
                threads: threads)
            distances = Tensor(found.distances, shape: [found.queryCount, k])
            labels = Tensor(found.labels, shape: [found.queryCount, k])
        case (.binary(let index), .bytes(let bytes, let codeSize)):
            let found = try index.search(
                BinaryRows(bytes, codeSize: codeSize), k: k, parameters: parameters,
                threads: threads)
            let tensor = Tensor(uninitialized: [found.queryCount, k], dtype: .i32)
            found.distances.withUnsafeBytes { bytes in
                guard let source = bytes.baseAddress else { return }
                tensor.bytes.copyMemory(from: source, byteCount: bytes.count)
            }
            distances = tensor
            labels = Tensor(found.labels, shape: [found.queryCount, k])
        case (.vectors, .bytes):
            throw ToolError("the queries are bytes; the index holds vectors of floats")
        case (.binary, .floats):
            throw ToolError("the queries are floats; the index holds vectors of bits, as U8")
        }
    }

    func write(to path: String) throws {
        try SafetensorsWriter.write([("distances", distances), ("labels", labels)], to: path)
    }
}

import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import FathomVectors

/// Vectors that the index files of Faiss were made of.
enum FaissVectors {
    /// The first that were added, of the data of a name.
    static func first(_ name: String) throws -> VectorRows {
        let data = try Fixtures.tensors("faiss/queries/\(name).safetensors").tensor("xb")
        return try VectorRows(data.floatArray(), dimension: data.shape.last)
    }
}

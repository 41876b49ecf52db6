public import FathomTensors

/// The two orders of the rows of query and key projections.
///
/// A rotary embedding turns pairs of a head's `D` components. Hugging Face pairs component `i` with
/// `i + D/2`; llama.cpp's converter moves the rows of Llama models so that a pair is `2i`, `2i + 1`
/// (llama.cpp, conversion/llama.py, `permute`). Whole rows move, so quantised ones may.
public enum RotaryRows {
    /// Moves halves side by side: Hugging Face's order to llama.cpp's.
    ///
    /// - Parameter weight: `[H·D, …]`, or a bias `[H·D]`.
    /// - Throws: `RotaryRowsError` if the rows are not `headCount` heads of even size.
    public static func interleaved(_ weight: Tensor, headCount: Int) throws -> Tensor {
        try moved(weight, headCount) { row, half in row / 2 + row % 2 * half }
    }

    /// Moves pairs apart into halves: llama.cpp's order to Hugging Face's.
    ///
    /// - Parameter weight: `[H·D, …]`, or a bias `[H·D]`.
    /// - Throws: `RotaryRowsError` if the rows are not `headCount` heads of even size.
    public static func inHalves(_ weight: Tensor, headCount: Int) throws -> Tensor {
        try moved(weight, headCount) { row, half in row % half * 2 + row / half }
    }

    /// - Parameter source: for a row of a head in the result, and half the head's size, the row it
    ///   comes from.
    private static func moved(
        _ weight: Tensor, _ headCount: Int, from source: (Int, Int) -> Int
    ) throws -> Tensor {
        let rows = weight.shape.rank == 0 ? 0 : weight.shape[0]
        guard headCount > 0, rows > 0, rows % headCount == 0, rows / headCount % 2 == 0,
            weight.shape.rank > 1 || !weight.dtype.isBlocked
        else {
            throw RotaryRowsError(shape: weight.shape.sizes, headCount: headCount)
        }
        let headRows = rows / headCount
        let rowBytes = weight.byteCount / rows
        let result = Tensor(uninitialized: weight.shape, dtype: weight.dtype)
        for row in 0..<rows {
            let from = row / headRows * headRows + source(row % headRows, headRows / 2)
            (result.bytes + row * rowBytes).copyMemory(
                from: weight.bytes + from * rowBytes, byteCount: rowBytes)
        }
        return result
    }
}

/// A projection whose rows are not that many heads of even size.
public struct RotaryRowsError: Error, Sendable, Hashable, CustomStringConvertible {
    public let shape: [Int]
    public let headCount: Int

    public init(shape: [Int], headCount: Int) {
        self.shape = shape
        self.headCount = headCount
    }

    public var description: String {
        "a projection of shape \(shape) has no \(headCount) heads of an even number of rows"
    }
}

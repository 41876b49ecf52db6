import FathomTensors
import Testing

/// The largest difference of two tensors of as many elements.
func largestDifference(_ a: Tensor, _ b: Tensor) throws -> Float {
    let (left, right) = (a.floatArray(), b.floatArray())
    try #require(left.count == right.count)
    return zip(left, right).reduce(0) {
        $1.0.isNaN || $1.1.isNaN ? .nan : max($0, abs($1.0 - $1.1))
    }
}

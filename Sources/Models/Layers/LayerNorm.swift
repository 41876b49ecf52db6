public import FathomCheckpoints
public import FathomTensors

/// Layer normalisation (Ba et al., 2016): `(x - mean) / sqrt(variance + ε) · w + b`.
public struct LayerNorm: Sendable {
    let weight, bias: Tensor
    let epsilon: Float

    public init(_ parameters: ParameterScope, size: Int, epsilon: Float) {
        weight = parameters.vector(count: size)
        bias = parameters.vector("bias", count: size)
        self.epsilon = epsilon
    }

    /// Maps `[T, size]` to the same shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }
}

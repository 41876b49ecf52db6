public import FathomCheckpoints
public import FathomTensors

/// Root-mean-square normalisation (Zhang & Sennrich, 2019): `x / sqrt(mean(x²) + ε) · w`.
public struct RMSNorm: Sendable {
    let weight: Tensor
    let epsilon: Float

    public init(_ parameters: ParameterScope, size: Int, epsilon: Float) {
        weight = parameters.vector(count: size)
        self.epsilon = epsilon
    }

    /// Maps `[T, size]` to the same shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        rmsNorm(x, weight: weight, epsilon: epsilon)
    }
}

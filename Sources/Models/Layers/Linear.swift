public import FathomCheckpoints
public import FathomTensors

/// A matrix product with an optional bias: `x Wᵀ + b`.
public struct Linear: Sendable {
    let weight: Matrix
    let bias: Tensor?

    public init(
        _ parameters: ParameterScope, from inputs: Int, to outputs: Int, hasBias: Bool = false
    ) {
        weight = parameters.matrix(rows: outputs, columns: inputs)
        bias = hasBias ? parameters.vector("bias", count: outputs) : nil
    }

    /// Shares the weight of an embedding.
    init(tiedTo weight: Matrix) {
        self.weight = weight
        bias = nil
    }

    /// Maps `[T, inputs]` to `[T, outputs]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        linear(x, weight, bias: bias)
    }

    /// Applies several layers to one input; it is read and quantised once.
    static func apply(_ layers: [Linear], to x: Tensor) -> [Tensor] {
        linear(x, layers.map { ($0.weight, $0.bias) })
    }
}

public import FathomCheckpoints
public import FathomTensors

/// The gated feed-forward network (Shazeer, 2020): `down(silu(gate(x)) · up(x))`.
public struct SwiGLU: Sendable {
    let gate, up, down: Linear

    public init(
        _ parameters: ParameterScope, hiddenSize: Int, intermediateSize: Int, hasBias: Bool = false
    ) {
        gate = Linear(
            parameters["gate_proj"], from: hiddenSize, to: intermediateSize, hasBias: hasBias)
        up = Linear(parameters["up_proj"], from: hiddenSize, to: intermediateSize, hasBias: hasBias)
        down = Linear(
            parameters["down_proj"], from: intermediateSize, to: hiddenSize, hasBias: hasBias)
    }

    /// Maps `[T, hiddenSize]` to the same shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let parts = Linear.apply([gate, up], to: x)
        return down(swiGLU(gate: parts[0], up: parts[1]))
    }
}

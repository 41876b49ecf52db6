import FathomCheckpoints
import FathomTensors

/// Multi-head or grouped-query attention with rotary positions (Ainslie et al., 2023).
struct GroupedQueryAttention: Sendable {
    /// Its sizes.
    struct Configuration: Sendable, Hashable {
        var hiddenSize: Int
        var headCount: Int
        var keyValueHeadCount: Int
        var headDimension: Int
        var hasQueryKeyValueBias = false
        var hasOutputBias = false

        var shape: AttentionShape {
            AttentionShape(
                headCount: headCount, keyValueHeadCount: keyValueHeadCount,
                keyWidth: headDimension, valueWidth: headDimension,
                scale: 1 / Float(headDimension).squareRoot())
        }
    }

    let query, key, value, output: Linear
    let shape: AttentionShape
    /// Its row of the model's cache layout.
    let cacheRow: Int

    init(_ parameters: ParameterScope, _ configuration: Configuration, cacheRow: Int) {
        let hiddenSize = configuration.hiddenSize
        let queryWidth = configuration.headCount * configuration.headDimension
        let keyWidth = configuration.keyValueHeadCount * configuration.headDimension
        let hasBias = configuration.hasQueryKeyValueBias
        query = Linear(parameters["q_proj"], from: hiddenSize, to: queryWidth, hasBias: hasBias)
        key = Linear(parameters["k_proj"], from: hiddenSize, to: keyWidth, hasBias: hasBias)
        value = Linear(parameters["v_proj"], from: hiddenSize, to: keyWidth, hasBias: hasBias)
        output = Linear(
            parameters["o_proj"], from: queryWidth, to: hiddenSize,
            hasBias: configuration.hasOutputBias)
        shape = configuration.shape
        self.cacheRow = cacheRow
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let parts = Linear.apply([query, key, value], to: x)
        let mixed = pass.attention(
            row: cacheRow,
            query: pass.rotate(parts[0], headCount: shape.headCount),
            key: pass.rotate(parts[1], headCount: shape.keyValueHeadCount),
            value: parts[2], shape)
        return output(mixed)
    }
}

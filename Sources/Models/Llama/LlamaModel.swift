public import FathomCheckpoints
public import FathomTensors

/// Multi-head or grouped-query attention with rotary positions (Ainslie et al., 2023).
struct GroupedQueryAttention: Sendable {
    let query, key, value, output: Linear
    let shape: AttentionShape
    let layer: Int

    init(_ parameters: ParameterScope, _ configuration: LlamaConfiguration, layer: Int) {
        let queryWidth = configuration.headCount * configuration.headDimension
        let keyWidth = configuration.keyValueHeadCount * configuration.headDimension
        let hasBias = configuration.hasQueryKeyValueBias
        query = Linear(
            parameters["q_proj"], from: configuration.hiddenSize, to: queryWidth, hasBias: hasBias)
        key = Linear(
            parameters["k_proj"], from: configuration.hiddenSize, to: keyWidth, hasBias: hasBias)
        value = Linear(
            parameters["v_proj"], from: configuration.hiddenSize, to: keyWidth, hasBias: hasBias)
        output = Linear(
            parameters["o_proj"], from: queryWidth, to: configuration.hiddenSize,
            hasBias: configuration.hasAttentionOutputBias)
        shape = configuration.attentionShape
        self.layer = layer
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let parts = Linear.apply([query, key, value], to: x)
        let mixed = pass.attention(
            layer: layer,
            query: pass.rotate(parts[0], headCount: shape.headCount),
            key: pass.rotate(parts[1], headCount: shape.keyValueHeadCount),
            value: parts[2], shape)
        return output(mixed)
    }
}

extension LlamaConfiguration {
    var attentionShape: AttentionShape {
        AttentionShape(
            headCount: headCount, keyValueHeadCount: keyValueHeadCount, keyWidth: headDimension,
            valueWidth: headDimension, scale: 1 / Float(headDimension).squareRoot())
    }
}

/// One pre-norm decoder layer.
struct LlamaLayer: Sendable {
    let inputNorm, postAttentionNorm: RMSNorm
    let attention: GroupedQueryAttention
    let feedForward: SwiGLU

    init(_ parameters: ParameterScope, _ configuration: LlamaConfiguration, layer: Int) {
        inputNorm = RMSNorm(
            parameters["input_layernorm"], size: configuration.hiddenSize,
            epsilon: configuration.normEpsilon)
        attention = GroupedQueryAttention(parameters["self_attn"], configuration, layer: layer)
        postAttentionNorm = RMSNorm(
            parameters["post_attention_layernorm"], size: configuration.hiddenSize,
            epsilon: configuration.normEpsilon)
        feedForward = SwiGLU(
            parameters["mlp"], hiddenSize: configuration.hiddenSize,
            intermediateSize: configuration.intermediateSize,
            hasBias: configuration.hasFeedForwardBias)
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let h = x + attention(inputNorm(x), pass)
        return h + feedForward(postAttentionNorm(h))
    }
}

/// Llama-shaped decoders: Llama, DeepSeek LLM and Coder, SmolLM2, Qwen2 (R1's students).
public struct LlamaModel: CausalModel {
    public let configuration: LlamaConfiguration
    let embedding: Matrix
    let layers: [LlamaLayer]
    let norm: RMSNorm
    let head: Linear
    let rotary: RotaryFrequencies
    let cacheType: DType
    public let cacheLayout: CacheLayout

    /// Builds the model from a checkpoint's root scope.
    ///
    /// - Parameter cacheType: how keys and values are kept, `.f16` or `.f32`.
    public init(
        _ parameters: ParameterScope, _ configuration: LlamaConfiguration, cacheType: DType = .f16
    ) {
        self.configuration = configuration
        self.cacheType = cacheType
        let root = parameters["model"]
        embedding = root["embed_tokens"].matrix(
            rows: configuration.vocabularySize, columns: configuration.hiddenSize)
        layers = (0..<configuration.layerCount).map {
            LlamaLayer(root["layers"][$0], configuration, layer: $0)
        }
        norm = RMSNorm(
            root["norm"], size: configuration.hiddenSize, epsilon: configuration.normEpsilon)
        head =
            configuration.tiesWordEmbeddings
            ? Linear(tiedTo: embedding)
            : Linear(
                parameters["lm_head"], from: configuration.hiddenSize,
                to: configuration.vocabularySize)
        rotary = RotaryFrequencies(
            dimension: configuration.headDimension, theta: configuration.ropeTheta,
            scaling: configuration.ropeScaling, layout: configuration.ropeLayout)
        let shape = configuration.attentionShape
        let row = CacheRow(
            bytesPerPosition: shape.keyValueHeadCount * (shape.keyWidth + shape.valueWidth)
                * cacheType.blockBytes,
            pageBytes: shape.pageBytes(pageLength: CacheLayout.pageLength, dtype: cacheType))
        cacheLayout = CacheLayout(layers: Array(repeating: row, count: configuration.layerCount))
    }

    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int { configuration.contextLength }

    public func hiddenStates(_ batch: Batch, observe: ((String, Tensor) -> Void)? = nil) -> Tensor {
        let pass = ForwardPass(
            batch, rotary: rotary, layout: cacheLayout, cacheType: cacheType)
        var x = gather(batch.tokenIDs, from: embedding)
        observe?("hidden.embed", x)
        for (index, layer) in layers.enumerated() {
            x = layer(x, pass)
            observe?("hidden.layer.\(index)", x)
        }
        x = norm(x)
        observe?("hidden.norm", x)
        return x
    }

    public func logits(_ hiddenStates: Tensor) -> Tensor {
        head(hiddenStates)
    }
}

public import FathomCheckpoints
public import FathomTensors

extension LlamaConfiguration {
    var attention: GroupedQueryAttention.Configuration {
        .init(
            hiddenSize: hiddenSize, headCount: headCount, keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension, hasQueryKeyValueBias: hasQueryKeyValueBias,
            hasOutputBias: hasAttentionOutputBias)
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
        attention = GroupedQueryAttention(
            parameters["self_attn"], configuration.attention, cacheRow: layer)
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
    let ends: VocabularyEnds
    let layers: [LlamaLayer]
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
        ends = VocabularyEnds(
            parameters, vocabularySize: configuration.vocabularySize,
            hiddenSize: configuration.hiddenSize, epsilon: configuration.normEpsilon,
            tiesHead: configuration.tiesWordEmbeddings)
        layers = (0..<configuration.layerCount).map {
            LlamaLayer(root["layers"][$0], configuration, layer: $0)
        }
        rotary = RotaryFrequencies(
            dimension: configuration.headDimension, theta: configuration.ropeTheta,
            scaling: configuration.ropeScaling, layout: configuration.ropeLayout)
        let row = CacheRow(configuration.attention.shape, cacheType)
        cacheLayout = CacheLayout(rows: Array(repeating: row, count: configuration.layerCount))
    }

    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int { configuration.contextLength }

    public func hiddenStates(_ batch: Batch, observe: ((String, Tensor) -> Void)? = nil) -> Tensor {
        let pass = ForwardPass(
            batch, rotary: rotary, layout: cacheLayout, cacheType: cacheType, observe: observe)
        var x = ends.embed(batch.tokenIDs)
        pass.report("hidden.embed", x)
        for (index, layer) in layers.enumerated() {
            x = layer(x, pass)
            pass.report("hidden.layer.\(index)", x)
        }
        x = ends.norm(x)
        pass.report("hidden.norm", x)
        return x
    }

    public func logits(_ hiddenStates: Tensor) -> Tensor {
        ends.logits(hiddenStates)
    }
}

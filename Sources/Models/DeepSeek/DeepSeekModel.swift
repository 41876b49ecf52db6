public import FathomCheckpoints
public import FathomTensors

/// One pre-norm decoder layer with experts or a dense feed-forward network.
struct DeepSeekLayer: Sendable {
    private enum Mixer: Sendable {
        case grouped(GroupedQueryAttention)
        case latent(LatentAttention)
    }

    private enum FeedForward: Sendable {
        case dense(SwiGLU)
        case experts(MixtureOfExperts)
    }

    private let inputNorm, postAttentionNorm: RMSNorm
    private let mixer: Mixer
    private let feedForward: FeedForward

    init(
        _ parameters: ParameterScope, _ configuration: DeepSeekConfiguration,
        form: LatentAttentionForm, layer: Int
    ) {
        let (size, epsilon) = (configuration.hiddenSize, configuration.normEpsilon)
        inputNorm = RMSNorm(parameters["input_layernorm"], size: size, epsilon: epsilon)
        postAttentionNorm = RMSNorm(
            parameters["post_attention_layernorm"], size: size, epsilon: epsilon)
        let attention = parameters["self_attn"]
        let cacheRow = layer * configuration.cacheRowsPerLayer
        switch configuration.attention {
        case .grouped:
            mixer = .grouped(
                GroupedQueryAttention(
                    attention, configuration.groupedAttention, cacheRow: cacheRow))
        case .latent(let latent):
            mixer = .latent(
                LatentAttention(
                    attention, configuration.latentAttention(latent), form: form, layer: layer,
                    cacheRow: cacheRow))
        }
        // The layers that predict further tokens are built like the last of the others.
        let hasExperts = configuration.experts.hasExperts(
            layer: min(layer, configuration.layerCount - 1))
        feedForward =
            hasExperts
            ? .experts(
                MixtureOfExperts(
                    parameters["mlp"], configuration.experts, hiddenSize: size, layer: layer))
            : .dense(
                SwiGLU(
                    parameters["mlp"], hiddenSize: size,
                    intermediateSize: configuration.intermediateSize))
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let normed = inputNorm(x)
        let mixed: Tensor
        switch mixer {
        case .grouped(let attention): mixed = attention(normed, pass)
        case .latent(let attention): mixed = attention(normed, pass)
        }
        let h = x + mixed
        let input = postAttentionNorm(h)
        switch feedForward {
        case .dense(let network): return h + network(input)
        case .experts(let experts): return h + experts(input, pass)
        }
    }
}

/// DeepSeek's mixture-of-experts decoders: DeepSeekMoE, V2, V3, V3.2.
public struct DeepSeekModel: CausalModel {
    public let configuration: DeepSeekConfiguration
    let ends: VocabularyEnds
    private let layers: [DeepSeekLayer]
    let rotary: RotaryFrequencies
    let cacheType: DType
    let predictor: TokenPredictor?
    private let engram: Engram?
    public let cacheLayout: CacheLayout

    /// Builds the model from a checkpoint's root scope.
    ///
    /// - Parameters:
    ///   - cacheType: how keys and values are kept, `.f16` or `.f32`.
    ///   - form: how latent attention is computed.
    ///   - tables: of the Engram memory, if the configuration has one.
    public init(
        _ parameters: ParameterScope, _ configuration: DeepSeekConfiguration,
        cacheType: DType = .f16, form: LatentAttentionForm = .absorbed,
        tables: EngramTables? = nil
    ) {
        self.configuration = configuration
        self.cacheType = cacheType
        let root = parameters["model"]
        ends = VocabularyEnds(
            parameters, vocabularySize: configuration.vocabularySize,
            hiddenSize: configuration.hiddenSize, epsilon: configuration.normEpsilon,
            tiesHead: configuration.tiesWordEmbeddings)
        layers = (0..<configuration.layerCount).map {
            DeepSeekLayer(root["layers"][$0], configuration, form: form, layer: $0)
        }
        rotary = RotaryFrequencies(
            dimension: configuration.rotaryWidth, theta: configuration.ropeTheta,
            scaling: configuration.ropeScaling, layout: configuration.rotaryLayout)
        predictor =
            configuration.predictionLayerCount == 0
            ? nil
            : TokenPredictor(root["layers"], configuration, form: form)
        engram =
            if let memory = configuration.engram, let tables {
                Engram(root, memory, tables)
            } else { nil }
        cacheLayout = CacheLayout(rows: configuration.cacheRows(cacheType))
    }

    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int { configuration.contextLength }

    func pass(_ batch: Batch, _ observe: ((String, Tensor) -> Void)?) -> ForwardPass {
        ForwardPass(
            batch, rotary: rotary, layout: cacheLayout, cacheType: cacheType, observe: observe)
    }

    public func hiddenStates(_ batch: Batch, observe: ((String, Tensor) -> Void)? = nil) -> Tensor {
        let pass = pass(batch, observe)
        let memory = engram?.begin(batch)
        var x = ends.embed(batch.tokenIDs)
        pass.report("hidden.embed", x)
        for (index, layer) in layers.enumerated() {
            if let read = memory?(layer: index, hidden: x) { x = x + read }
            x = layer(x, pass)
            pass.report("hidden.layer.\(index)", x)
        }
        x = ends.norm(x)
        pass.report("hidden.norm", x)
        memory?.keep(for: batch)
        return x
    }

    public func logits(_ hiddenStates: Tensor) -> Tensor {
        ends.logits(hiddenStates)
    }
}

extension DeepSeekConfiguration {
    /// Elements of a head that are rotated.
    var rotaryWidth: Int {
        switch attention {
        case .grouped: hiddenSize / headCount
        case .latent(let latent): latent.rotaryWidth
        }
    }

    var groupedAttention: GroupedQueryAttention.Configuration {
        var heads = headCount
        if case .grouped(let count) = attention { heads = count }
        return .init(
            hiddenSize: hiddenSize, headCount: headCount, keyValueHeadCount: heads,
            headDimension: hiddenSize / headCount, hasQueryKeyValueBias: hasAttentionBias,
            hasOutputBias: hasAttentionBias)
    }

    func latentAttention(_ latent: Latent) -> LatentAttention.Configuration {
        .init(
            hiddenSize: hiddenSize, headCount: headCount, latent: latent, indexer: indexer,
            normEpsilon: normEpsilon, scale: latentScale(latent), hasBias: hasAttentionBias)
    }

    /// `1 / sqrt(width)`, times the square of YaRN's factor for all dimensions: DeepSeek's code
    /// corrects the entropy of longer contexts there and not in the angles.
    private func latentScale(_ latent: Latent) -> Float {
        var scale = 1 / Double(latent.plainWidth + latent.rotaryWidth).squareRoot()
        if case .yarn(let factor, _, _, _, _, _, let all?, _) = ropeScaling, all != 0 {
            let mscale = yarnFactor(factor, all)
            scale *= mscale * mscale
        }
        return Float(scale)
    }

    /// Rows of the cache layout that a layer takes.
    var cacheRowsPerLayer: Int { indexer == nil ? 1 : 2 }

    func cacheRows(_ dtype: DType) -> [CacheRow] {
        var rows: [CacheRow]
        switch attention {
        case .grouped: rows = [CacheRow(groupedAttention.shape, dtype)]
        case .latent(let latent): rows = [CacheRow(latentAttention(latent).absorbed, dtype)]
        }
        if let indexer { rows.append(CacheRow(indexer.shape, dtype)) }
        return (0..<(layerCount + predictionLayerCount)).flatMap { _ in rows }
    }
}

public import FathomCheckpoints
public import FathomTensors

/// The sum of the embeddings of words, positions and the first token type, normalised.
struct BertEmbeddings: Sendable {
    let words, positions, tokenTypes: Matrix
    let norm: LayerNorm

    init(_ parameters: ParameterScope, _ configuration: BertConfiguration) {
        let width = configuration.hiddenSize
        words = parameters["word_embeddings"].matrix(
            rows: configuration.vocabularySize, columns: width)
        positions = parameters["position_embeddings"].matrix(
            rows: configuration.contextLength, columns: width)
        tokenTypes = parameters["token_type_embeddings"].matrix(
            rows: configuration.tokenTypeCount, columns: width)
        norm = LayerNorm(
            parameters["LayerNorm"], size: width, epsilon: configuration.normEpsilon)
    }

    /// The embeddings `[T, C]` of the tokens of a batch, each sequence one segment of text.
    func callAsFunction(_ batch: Batch) -> Tensor {
        let types = [Int32](repeating: 0, count: batch.tokenIDs.count)
        return norm(
            gather(batch.tokenIDs, from: words) + gather(types, from: tokenTypes)
                + gather(batch.positions, from: positions))
    }
}

/// Multi-head attention to both sides (Vaswani et al., 2017), with biases.
struct BertAttention: Sendable {
    let query, key, value, output: Linear
    let shape: AttentionShape

    init(_ parameters: ParameterScope, _ configuration: BertConfiguration) {
        let width = configuration.hiddenSize
        let inner = parameters["self"]
        query = Linear(inner["query"], from: width, to: width, hasBias: true)
        key = Linear(inner["key"], from: width, to: width, hasBias: true)
        value = Linear(inner["value"], from: width, to: width, hasBias: true)
        output = Linear(parameters["output"]["dense"], from: width, to: width, hasBias: true)
        shape = AttentionShape(
            headCount: configuration.headCount, keyValueHeadCount: configuration.headCount,
            keyWidth: configuration.headDimension, valueWidth: configuration.headDimension,
            scale: 1 / Float(configuration.headDimension).squareRoot())
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ ranges: [Range<Int>]) -> Tensor {
        let parts = Linear.apply([query, key, value], to: x)
        return output(
            bidirectionalAttention(
                query: parts[0], key: parts[1], value: parts[2], shape, ranges))
    }
}

/// One layer, normalised after each residual sum.
struct BertLayer: Sendable {
    let attention: BertAttention
    let intermediate, output: Linear
    let attentionNorm, outputNorm: LayerNorm

    init(_ parameters: ParameterScope, _ configuration: BertConfiguration) {
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let epsilon = configuration.normEpsilon
        attention = BertAttention(parameters["attention"], configuration)
        attentionNorm = LayerNorm(
            parameters["attention"]["output"]["LayerNorm"], size: width, epsilon: epsilon)
        intermediate = Linear(
            parameters["intermediate"]["dense"], from: width, to: inner, hasBias: true)
        output = Linear(parameters["output"]["dense"], from: inner, to: width, hasBias: true)
        outputNorm = LayerNorm(parameters["output"]["LayerNorm"], size: width, epsilon: epsilon)
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ ranges: [Range<Int>]) -> Tensor {
        let h = attentionNorm(x + attention(x, ranges))
        return outputNorm(h + output(gelu(intermediate(h))))
    }
}

/// BERT's encoder (Devlin et al., 2019): hidden states of whole texts, every token seeing all
/// others of its own.
///
/// The pooler behind the first token, which classifiers use, is not part of it.
public struct BertModel: Sendable {
    public let configuration: BertConfiguration
    let embeddings: BertEmbeddings
    let layers: [BertLayer]

    /// Builds the model from a checkpoint's root scope.
    public init(_ parameters: ParameterScope, _ configuration: BertConfiguration) {
        self.configuration = configuration
        embeddings = BertEmbeddings(parameters["embeddings"], configuration)
        let layers = parameters["encoder"]["layer"]
        self.layers = (0..<configuration.layerCount).map { BertLayer(layers[$0], configuration) }
    }

    /// Builds the model of a folder.
    ///
    /// - Throws: `ConfigurationError` for a configuration that is not supported, `ParameterError`
    ///   listing every weight that does not fit it.
    public static func load(
        _ folder: ModelFolder, precision: CheckpointParameters.Precision = .stored
    ) throws -> BertModel {
        let configuration = try BertConfiguration(folder.configuration)
        let parameters = CheckpointParameters(
            folder, path: folder.path, precision: precision,
            ignoring: { $0.hasPrefix("pooler.") || $0 == "embeddings.position_ids" })
        let model = BertModel(ParameterScope(parameters), configuration)
        try parameters.finish()
        return model
    }

    /// The hidden states behind the last layer, `[T, C]`, for the `T` tokens of a batch.
    ///
    /// `observe` is told of intermediate results: `hidden.embed`, `hidden.layer.N`.
    ///
    /// - Precondition: every token is below the vocabulary's size; no sequence has a cache or is
    ///   longer than `contextLength`.
    public func hiddenStates(
        _ batch: Batch, observe: ((String, Tensor) -> Void)? = nil
    ) -> Tensor {
        let ranges = batch.sequences.map(\.range)
        var x = embeddings(batch)
        observe?("hidden.embed", x)
        for (index, layer) in layers.enumerated() {
            x = layer(x, ranges)
            observe?("hidden.layer.\(index)", x)
        }
        return x
    }
}

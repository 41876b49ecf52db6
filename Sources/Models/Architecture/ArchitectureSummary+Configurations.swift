import FathomTensors

extension ArchitectureSummary {
    /// Summarizes a Llama-shaped model.
    ///
    /// - Throws: `ConfigurationError` if 64 bits cannot count its parameters.
    public init(
        _ configuration: LlamaConfiguration, name: String = "llama"
    ) throws(ConfigurationError) {
        let counts = ParameterCounts(hiddenSize: configuration.hiddenSize)
        let parameters =
            counts.norms
            + counts.grouped(
                headCount: configuration.headCount,
                keyValueHeadCount: configuration.keyValueHeadCount,
                headDimension: configuration.headDimension,
                hasQueryKeyValueBias: configuration.hasQueryKeyValueBias,
                hasOutputBias: configuration.hasAttentionOutputBias)
            + counts.dense(
                width: configuration.intermediateSize, hasBias: configuration.hasFeedForwardBias)
        let layer = Layer(
            attention: .grouped(
                headCount: configuration.headCount,
                keyValueHeadCount: configuration.keyValueHeadCount,
                headDimension: configuration.headDimension),
            feedForward: .dense(width: configuration.intermediateSize), memory: nil,
            parameters: parameters, activeParameters: parameters)
        try self.init(
            name: name, hiddenSize: configuration.hiddenSize,
            vocabularySize: configuration.vocabularySize,
            contextLength: configuration.contextLength,
            tiesWordEmbeddings: configuration.tiesWordEmbeddings,
            layers: Array(repeating: layer, count: configuration.layerCount))
    }

    /// Summarizes a DeepSeek mixture of experts, with an Engram memory if it has one.
    ///
    /// - Throws: `ConfigurationError` if 64 bits cannot count its parameters.
    public init(
        _ configuration: DeepSeekConfiguration, name: String = "deepseek"
    ) throws(ConfigurationError) {
        let layers = Self.layers(configuration, try Self.hashes(configuration.engram))
        let hidden = Int128(configuration.hiddenSize)
        // The norms of its two inputs and of its output, and their projection.
        let prediction = (layers.last?.parameters ?? 0) + 2 * hidden * hidden + 3 * hidden
        try self.init(
            name: name, hiddenSize: configuration.hiddenSize,
            vocabularySize: configuration.vocabularySize,
            contextLength: configuration.contextLength,
            tiesWordEmbeddings: configuration.tiesWordEmbeddings, layers: layers,
            predictionLayerCount: configuration.predictionLayerCount,
            predictionParameters: Int128(configuration.predictionLayerCount) * prediction)
    }

    /// Primes are searched for at most so many tables, which takes about a second.
    private static let mostTables = 1 << 16

    /// The tables of an Engram memory, whose sizes are primes.
    private static func hashes(
        _ engram: EngramConfiguration?
    ) throws(ConfigurationError) -> [Int: NGramHash] {
        guard let engram else { return [:] }
        let tables = engram.layers.count * engram.orderCount * engram.headCount
        guard tables <= mostTables else {
            throw ConfigurationError(
                "engram.layer_ids", found: "\(engram.layers.count) layers with \(tables) tables",
                expected: "at most \(mostTables) tables")
        }
        // Sizes depend neither on the seed nor on the number of canonical ids.
        return NGramHash.generated(engram, canonicalCount: 1, seed: 0)
    }

    private static func layers(
        _ configuration: DeepSeekConfiguration, _ hashes: [Int: NGramHash]
    ) -> [Layer] {
        let counts = ParameterCounts(hiddenSize: configuration.hiddenSize)
        let attention: Attention
        let attentionCount: Int128
        switch configuration.attention {
        case .grouped(let keyValueHeadCount):
            let headDimension = configuration.hiddenSize / configuration.headCount
            attention = .grouped(
                headCount: configuration.headCount, keyValueHeadCount: keyValueHeadCount,
                headDimension: headDimension)
            attentionCount = counts.grouped(
                headCount: configuration.headCount, keyValueHeadCount: keyValueHeadCount,
                headDimension: headDimension, hasQueryKeyValueBias: configuration.hasAttentionBias,
                hasOutputBias: configuration.hasAttentionBias)
        case .latent(let latent):
            attention = .latent(
                headCount: configuration.headCount, latent, configuration.indexer)
            attentionCount = counts.latent(
                headCount: configuration.headCount, latent, configuration.indexer,
                hasBias: configuration.hasAttentionBias)
        }
        let experts = configuration.experts
        return (0..<configuration.layerCount).map { layer in
            var feedForward = FeedForward.dense(width: configuration.intermediateSize)
            var parameters = counts.dense(width: configuration.intermediateSize)
            var active = parameters
            if experts.hasExperts(layer: layer) {
                feedForward = .experts(
                    count: experts.selection.expertCount, perToken: experts.selection.perToken,
                    shared: experts.sharedCount, width: experts.intermediateSize)
                parameters = counts.experts(experts, used: experts.selection.expertCount)
                active = counts.experts(experts, used: experts.selection.perToken)
            }
            var memory: Memory?
            if let engram = configuration.engram, let hash = hashes[layer] {
                let read = engram.orderCount * engram.headCount
                memory = Memory(
                    rowCount: hash.rowCount, rowsPerToken: read, rowWidth: engram.headWidth)
                parameters += counts.memory(engram, rows: hash.rowCount)
                active += counts.memory(engram, rows: read)
            }
            return Layer(
                attention: attention, feedForward: feedForward, memory: memory,
                parameters: counts.norms + attentionCount + parameters,
                activeParameters: counts.norms + attentionCount + active)
        }
    }
}

extension ArchitectureSummary {
    /// One layer, before equal ones are put together.
    private struct Layer: Equatable {
        let attention: Attention
        let feedForward: FeedForward
        let memory: Memory?
        let parameters, activeParameters: Int128
    }

    private init(
        name: String, hiddenSize: Int, vocabularySize: Int, contextLength: Int,
        tiesWordEmbeddings: Bool, layers: [Layer], predictionLayerCount: Int = 0,
        predictionParameters: Int128 = 0
    ) throws(ConfigurationError) {
        let embedding = Int128(vocabularySize) * Int128(hiddenSize)
        let norm = Int128(hiddenSize)
        let total =
            layers.reduce(embedding + norm) { $0 + $1.parameters }
            + (tiesWordEmbeddings ? 0 : embedding)
        let active = layers.reduce(embedding + norm) { $0 + $1.activeParameters }
        // Every other count is a part of this sum.
        guard total + predictionParameters <= Int128(Int.max) else {
            throw ConfigurationError(
                "num_hidden_layers", found: "\(layers.count) layers of \(total) parameters",
                expected: "sizes whose parameters 64 bits can count")
        }
        var groups: [LayerGroup] = []
        var first = 0
        for (index, layer) in layers.enumerated()
        where index + 1 == layers.count || layers[index + 1] != layer {
            let count = Int128(index + 1 - first)
            groups.append(
                LayerGroup(
                    layers: first..<(index + 1), attention: layer.attention,
                    feedForward: layer.feedForward, memory: layer.memory,
                    parameters: Int(count * layer.parameters),
                    activeParameters: Int(count * layer.activeParameters)))
            first = index + 1
        }
        self.name = name
        self.hiddenSize = hiddenSize
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.tiesWordEmbeddings = tiesWordEmbeddings
        self.groups = groups
        self.predictionLayerCount = predictionLayerCount
        self.predictionParameters = Int(predictionParameters)
        embeddingParameters = Int(embedding)
        parameters = Int(total)
        activeParameters = Int(active)
        cache = CacheSummary(groups, hiddenSize: hiddenSize)
    }
}

extension CacheSummary {
    /// Sizes are at most 2¹⁷ and layers 10,000, so that no product comes near 2⁶³.
    fileprivate init(_ groups: [ArchitectureSummary.LayerGroup], hiddenSize: Int) {
        var (elements, index, multiHead, perHead) = (0, 0, 0, 0)
        for group in groups {
            let count = group.layers.count
            switch group.attention {
            case .grouped(let heads, let keyValueHeads, let width):
                elements += count * 2 * keyValueHeads * width
                multiHead += count * 2 * heads * width
                perHead += count * 2 * width
            case .latent(let heads, let latent, let indexer):
                elements += count * (latent.rank + latent.rotaryWidth)
                index += count * (indexer?.headWidth ?? 0)
                multiHead += count * heads * (latent.plainWidth + latent.valueWidth)
                perHead += count * (latent.plainWidth + latent.valueWidth)
            }
        }
        self.elements = elements
        indexElements = index
        multiHeadElements = multiHead
        equivalentGroups = Double(elements) / Double(max(1, perHead))
        // Of the published models only V2 and what was trained on from it is so wide and deep.
        let isV2 = hiddenSize == 5120 && multiHead == 60 * 128 * 256 && elements == 60 * 576
        claim = isV2 ? CacheClaim(elements: elements) : nil
    }
}

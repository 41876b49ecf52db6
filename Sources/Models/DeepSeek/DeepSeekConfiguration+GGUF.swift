public import FathomCheckpoints
import FathomTensors

extension DeepSeekConfiguration {
    /// The values of `general.architecture` that this configuration describes: `deepseek` is
    /// DeepSeekMoE, `deepseek2` V2 and V3.
    public static let architectures = ["deepseek", "deepseek2"]

    /// Reads the metadata of a GGUF file as llama.cpp's converter writes it.
    ///
    /// - Throws: `GGUFError` or `ConfigurationError` naming the key that is missing, impossible
    ///   or not supported.
    public init(_ file: GGUFFile) throws {
        let reader = try GGUFConfigurationReader(file)
        hiddenSize = try reader.int("embedding_length")
        intermediateSize = try reader.int("feed_forward_length")
        layerCount = try reader.int("block_count", in: 1...10_000)
        headCount = try reader.int("attention.head_count", in: 1...65_536)
        normEpsilon = try reader.positive("attention.layer_norm_rms_epsilon")
        contextLength = try reader.int("context_length")
        ropeTheta = Double(try reader.positive("rope.freq_base", default: 10_000))
        // The converter permutes DeepSeekMoE's queries and keys as it does Llama's.
        rotaryLayout = .interleaved
        let dimension: Int
        if reader.architecture == "deepseek" {
            attention = try Self.grouped(reader, hiddenSize: hiddenSize, headCount: headCount)
            dimension = hiddenSize / headCount
        } else {
            let latent = try Latent(reader)
            attention = .latent(latent)
            dimension = latent.rotaryWidth
        }
        ropeScaling = try reader.ropeScaling(contextLength: contextLength, dimension: dimension)
        experts = try ExpertConfiguration(reader, layerCount: layerCount)
        indexer = nil
        predictionLayerCount = 0
        engram = nil
        vocabularySize = try reader.vocabularySize()
        tiesWordEmbeddings = file.info("output.weight") == nil
        hasAttentionBias = file.info("blk.0.attn_q.bias") != nil
    }

    private static func grouped(
        _ reader: GGUFConfigurationReader, hiddenSize: Int, headCount: Int
    ) throws -> Attention {
        let count = try reader.optionalInt("attention.head_count_kv", in: 1...65_536) ?? headCount
        guard headCount % count == 0 else {
            throw reader.error(
                "attention.head_count_kv", found: "\(count)",
                expected: "a divisor of attention.head_count, \(headCount)")
        }
        guard hiddenSize % headCount == 0, hiddenSize / headCount % 2 == 0 else {
            throw reader.error(
                "attention.head_count", found: "\(headCount)",
                expected: "a number that divides embedding_length, \(hiddenSize), into even heads")
        }
        return .grouped(keyValueHeadCount: count)
    }
}

extension DeepSeekConfiguration.Latent {
    init(_ reader: GGUFConfigurationReader) throws {
        queryRank = try reader.optionalInt("attention.q_lora_rank", in: 0...65_536)
        if queryRank == 0 { queryRank = nil }
        rank = try reader.int("attention.kv_lora_rank", in: 1...65_536)
        rotaryWidth = try reader.int("rope.dimension_count", in: 2...65_536)
        // Since the split of the up-projection, `key_length` is that of the latent form.
        let keyLength =
            try reader.optionalInt("attention.key_length_mla", in: 3...131_072)
            ?? reader.int("attention.key_length", in: 3...131_072)
        valueWidth =
            try reader.optionalInt("attention.value_length_mla", in: 1...65_536)
            ?? reader.int("attention.value_length", in: 1...65_536)
        plainWidth = keyLength - rotaryWidth
        guard rotaryWidth % 2 == 0, plainWidth > 0 else {
            throw reader.error(
                "rope.dimension_count", found: "\(rotaryWidth)",
                expected: "an even number below the key's length, \(keyLength)")
        }
        isSplit = reader.file.info("blk.0.attn_k_b.weight") != nil
    }
}

extension ExpertConfiguration {
    init(_ reader: GGUFConfigurationReader, layerCount: Int) throws {
        let isBiased = reader.file.names.contains { $0.hasSuffix(".exp_probs_b.bias") }
        selection = try ExpertSelection(
            checking: reader.int("expert_count", in: 1...65_536),
            perToken: reader.int("expert_used_count", in: 1...65_536),
            groupCount: reader.optionalInt("expert_group_count", in: 1...65_536) ?? 1,
            keptGroups: reader.optionalInt("expert_group_used_count", in: 1...65_536) ?? 1,
            groupScore: isBiased ? .twoLargest : .largest,
            names: .gguf(reader.architecture), file: reader.file.path)
        sharedCount = try reader.optionalInt("expert_shared_count", in: 0...1024) ?? 0
        intermediateSize = try reader.int("expert_feed_forward_length")
        denseLayerCount =
            try reader.optionalInt("leading_dense_block_count", in: 0...layerCount) ?? 0
        layerFrequency = 1
        hasSelectionBias = isBiased
        switch try reader.optionalInt("expert_gating_func", in: 0...3) ?? 0 {
        case 0, 1: scoring = .softmax
        case 2: scoring = .sigmoid
        case let other:
            throw reader.error(
                "expert_gating_func", found: "\(other)", expected: "1 (softmax) or 2 (sigmoid)")
        }
        normalizesWeights = try reader.bool("expert_weights_norm", default: false)
        let scale = try reader.file.metadata.optionalFloat(reader.key("expert_weights_scale")) ?? 0
        guard scale.isFinite, scale >= 0 else {
            throw reader.error(
                "expert_weights_scale", found: "\(scale)", expected: "a number of 0 or more")
        }
        weightScale = scale == 0 ? 1 : scale
        balanceFactor = 0
    }
}

extension ExpertSelection.Names {
    static func gguf(_ architecture: String) -> Self {
        .init(
            count: "\(architecture).expert_count", perToken: "\(architecture).expert_used_count",
            groupCount: "\(architecture).expert_group_count",
            keptGroups: "\(architecture).expert_group_used_count")
    }
}

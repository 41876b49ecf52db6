public import FathomJSON

extension ArchitectureSummary {
    /// All figures.
    public var json: JSONObject {
        var object = JSONObject([
            ("name", .string(name)), ("hidden_size", .integer(hiddenSize)),
            ("vocabulary_size", .integer(vocabularySize)),
            ("context_length", .integer(contextLength)),
            ("layer_count", .integer(layerCount)),
            ("parameters", .integer(parameters)),
            ("active_parameters", .integer(activeParameters)),
            ("embedding_parameters", .integer(embeddingParameters)),
            ("ties_word_embeddings", .bool(tiesWordEmbeddings)),
            ("prediction_layer_count", .integer(predictionLayerCount)),
            ("prediction_parameters", .integer(predictionParameters)),
        ])
        object["layers"] = .array(groups.map { .object($0.json) })
        object["cache"] = .object(cache.json)
        return object
    }
}

extension ArchitectureSummary.LayerGroup {
    fileprivate var json: JSONObject {
        var object = JSONObject([
            ("first", .integer(layers.lowerBound)), ("count", .integer(layers.count)),
            ("title", .string(title)), ("parameters", .integer(parameters)),
            ("active_parameters", .integer(activeParameters)),
            ("attention", .object(attention.json)),
        ])
        switch feedForward {
        case .dense(let width):
            object["feed_forward"] = ["kind": "dense", "width": .integer(width)]
        case .experts(let count, let perToken, let shared, let width):
            object["feed_forward"] = [
                "kind": "experts", "width": .integer(width), "count": .integer(count),
                "per_token": .integer(perToken), "shared": .integer(shared),
            ]
        }
        if let memory {
            object["memory"] = [
                "rows": .integer(memory.rowCount), "row_width": .integer(memory.rowWidth),
                "rows_per_token": .integer(memory.rowsPerToken),
            ]
        }
        return object
    }
}

extension ArchitectureSummary.Attention {
    fileprivate var json: JSONObject {
        switch self {
        case .grouped(let heads, let keyValueHeads, let width):
            return JSONObject([
                ("kind", .string(heads == keyValueHeads ? "multi_head" : "grouped")),
                ("head_count", .integer(heads)), ("key_value_head_count", .integer(keyValueHeads)),
                ("head_dimension", .integer(width)),
            ])
        case .latent(let heads, let latent, let indexer):
            var object = JSONObject([
                ("kind", "latent"), ("head_count", .integer(heads)),
                ("query_rank", latent.queryRank.map { .integer($0) } ?? .null),
                ("key_value_rank", .integer(latent.rank)),
                ("plain_width", .integer(latent.plainWidth)),
                ("rotary_width", .integer(latent.rotaryWidth)),
                ("value_width", .integer(latent.valueWidth)),
            ])
            if let indexer {
                object["indexer"] = [
                    "head_count": .integer(indexer.headCount),
                    "head_width": .integer(indexer.headWidth),
                    "kept_keys": .integer(indexer.keptKeys),
                ]
            }
            return object
        }
    }
}

extension CacheSummary {
    fileprivate var json: JSONObject {
        var object = JSONObject([
            ("elements_per_token", .integer(elements)),
            ("index_elements_per_token", .integer(indexElements)),
            ("bytes_per_token", .integer(bytesPerToken)),
            ("multi_head_elements_per_token", .integer(multiHeadElements)),
            ("saving", .number(saving)), ("equivalent_groups", .number(equivalentGroups)),
        ])
        if let claim {
            object["published_claim"] = [
                "reference": "DeepSeek 67B",
                "reference_elements_per_token": .integer(claim.referenceElements),
                "reference_bits": .integer(claim.referenceBits), "bits": .integer(claim.bits),
                "element_saving": .number(claim.elementSaving), "saving": .number(claim.saving),
            ]
        }
        return object
    }
}

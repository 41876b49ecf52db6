import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

@Suite struct ArchitectureTests {
    private static func configuration(_ name: String) throws -> JSONObject {
        let bytes = try Fixtures.bytes("configurations/\(name).json")
        return try #require(try JSONValue(parsing: bytes).objectValue)
    }

    private static func summary(_ name: String) throws -> ArchitectureSummary {
        try ArchitectureSummary(try configuration(name))
    }

    @Test(
        "counts the parameters of the published models",
        arguments: [
            ("deepseek-v2", 235_741_434_880), ("deepseek-v2-lite", 15_706_484_224),
            ("deepseek-v3", 671_026_419_200), ("deepseek-moe-16b", 16_375_728_128),
        ])
    func countsParameters(name: String, parameters: Int) throws {
        #expect(try Self.summary(name).parameters == parameters)
    }

    // Reports print 6.91 and 67.43 of DeepSeek LLM, 21 of V2, 2.4 of V2-Lite and 37 of V3 (the
    // note beside V3's weights says 36.7); DeepSeekMoE's 2.8 counts the embedding.
    @Test("agrees with the rounded figures of the reports")
    func agreesWithReports() throws {
        func rounded(_ count: Int, _ unit: Int) -> Int { (count + unit / 2) / unit }
        #expect(rounded(try Self.summary("deepseek-llm-7b").parameters, 10_000_000) == 691)
        #expect(rounded(try Self.summary("deepseek-llm-67b").parameters, 10_000_000) == 6743)
        let active = try ["deepseek-v2", "deepseek-v3"].map {
            rounded(try Self.summary($0).activeParameters, 1_000_000_000)
        }
        #expect(active == [21, 37])
        let lite = try Self.summary("deepseek-v2-lite")
        #expect(lite.activeParameters == 2_451_435_008)
        let moe = try Self.summary("deepseek-moe-16b")
        #expect(rounded(moe.activeParameters + moe.embeddingParameters, 10_000_000) == 283)
    }

    @Test("counts a prediction layer apart from the model")
    func countsPredictionLayer() throws {
        let summary = try Self.summary("deepseek-v3")
        #expect(summary.predictionLayerCount == 1)
        #expect(summary.predictionParameters == 11_610_068_224)
    }

    @Test("puts equal layers together")
    func groupsLayers() throws {
        let groups = try Self.summary("deepseek-v3").groups
        #expect(groups.map(\.layers) == [0..<3, 3..<61])
        #expect(groups.map(\.title) == ["3 × dense", "58 × 256 experts, 8 + 1 active"])
        #expect(groups[0].parameters == groups[0].activeParameters)
        #expect(groups[1].activeParameters < groups[1].parameters / 18)
        let titles = try Self.summary("deepseek-llm-7b").groups.map(\.title)
        #expect(titles == ["30 × dense"])
    }

    @Test(
        "counts what the cache keeps of a token",
        arguments: [
            ("deepseek-v2", 34_560, 0), ("deepseek-v2-lite", 15_552, 0),
            ("deepseek-v3", 35_136, 0), ("deepseek-v3.2", 35_136, 61 * 128),
            ("deepseek-llm-67b", 194_560, 0),
        ])
    func countsCache(name: String, elements: Int, indexElements: Int) throws {
        let cache = try Self.summary(name).cache
        #expect(cache.elements == elements)
        #expect(cache.indexElements == indexElements)
        #expect(cache.bytesPerToken == 2 * (elements + indexElements))
    }

    // DeepSeek-V2, tables 1 and 9: 110.6 thousand of multi-head attention become 15.6, and latents
    // cost as much as 2.25 groups.
    @Test("compares the cache with multi-head attention of the same heads")
    func comparesCache() throws {
        let lite = try Self.summary("deepseek-v2-lite").cache
        #expect(lite.multiHeadElements == 110_592)
        #expect(lite.equivalentGroups == 2.25)
        let grouped = try Self.summary("deepseek-llm-67b").cache
        #expect(grouped.multiHeadElements == 8 * grouped.elements)
        #expect(grouped.equivalentGroups == 8)
        let plain = try Self.summary("deepseek-moe-16b").cache
        #expect(plain.multiHeadElements == plain.elements)
        #expect(plain.saving == 0)
    }

    @Test("recomputes the 93.3 % of DeepSeek-V2's report, and says it of no other model")
    func recomputesClaim() throws {
        let claim = try #require(try Self.summary("deepseek-v2").cache.claim)
        #expect(claim.referenceElements == (try Self.summary("deepseek-llm-67b").cache.elements))
        #expect("\(claim)".contains("93.3 % less than DeepSeek 67B"))
        #expect("\(claim)".contains("34,560 numbers of 6 bits against 194,560 of 16"))
        #expect("\(claim)".contains("82.2 % by the numbers alone"))
        for other in ["deepseek-v2-lite", "deepseek-v3", "deepseek-llm-67b"] {
            #expect(try Self.summary(other).cache.claim == nil)
        }
    }

    @Test(
        "counts what a checkpoint holds",
        arguments: [
            "01-llama-mha", "01-llama3-rope-tied", "02-qwen2-tied", "03-deepseek-moe-gqa-norm",
            "04-v2-group-qlora", "05-v3", "06-v3-fp8", "07-v32",
            "15-gguf-deepseek2-v2lite/model.gguf",
            "15-gguf-deepseek2-v3/model.gguf", "15-gguf-llama-mixed/model.gguf",
        ])
    func countsCheckpoint(name: String) throws {
        let checkpoint = try Checkpoint.open(Fixtures.path(name))
        let summary = try ArchitectureSummary(checkpoint)
        let source = checkpoint.source
        let copies = ["rope_freqs.weight"] + (summary.tiesWordEmbeddings ? ["lm_head.weight"] : [])
        let count = source.names.reduce(0) { sum, name in
            let isCopy =
                copies.contains(name) || name.hasSuffix("_scale_inv")
                || name.hasSuffix("rotary_emb.inv_freq")
                || name == "model.layers.\(summary.layerCount).embed_tokens.weight"
                || name == "model.layers.\(summary.layerCount).shared_head.head.weight"
            return sum + (isCopy ? 0 : source.info(name)?.elementCount ?? 0)
        }
        #expect(summary.parameters + summary.predictionParameters == count)
    }

    // Engram's table 1 gives 5.7 and 18.5 billion parameters to memories of these sizes.
    @Test("counts the tables of an n-gram memory", arguments: [(2_262_400, 58), (7_239_680, 185)])
    func countsMemory(rows: Int, hundredMillions: Int) throws {
        var object = try Self.configuration("deepseek-v2-lite")
        let without = try ArchitectureSummary(object)
        object["engram"] = [
            "engram_vocab_size": [.integer(rows), .integer(rows)], "max_ngram_size": 3,
            "n_embed_per_ngram": 640, "n_head_per_ngram": 8, "layer_ids": [1, 14], "pad_id": 2,
            "kernel_size": 4,
        ]
        let summary = try ArchitectureSummary(object)
        #expect(
            summary.groups.map(\.title) == [
                "1 × dense", "1 × 64 experts, 6 + 2 active with n-gram memory",
                "12 × 64 experts, 6 + 2 active",
                "1 × 64 experts, 6 + 2 active with n-gram memory",
                "12 × 64 experts, 6 + 2 active",
            ])
        let memories = summary.groups.compactMap(\.memory)
        let tables = memories.reduce(0) { $0 + $1.rowCount * $1.rowWidth }
        #expect((tables + 50_000_000) / 100_000_000 == hundredMillions)
        let rest = summary.parameters - without.parameters - tables
        // Two projections of 1,280 with a bias, three norms and four taps, twice.
        #expect(rest == 2 * (2 * (1280 * 2048 + 2048) + 3 * 2048 + 4 * 2048))
        #expect(summary.activeParameters == without.activeParameters + rest + 2 * 16 * 80)
    }

    @Test("refuses sizes whose parameters pass 64 bits, and searches no endless tables")
    func refusesOverflow() throws {
        var object = try Self.configuration("deepseek-v3")
        for key in ["hidden_size", "moe_intermediate_size", "intermediate_size"] {
            object[key] = .integer(1 << 24)
        }
        object["n_routed_experts"] = 65_536
        object["num_hidden_layers"] = 10_000
        #expect(throws: ConfigurationError.self) { try ArchitectureSummary(object) }
        var engram = try Self.configuration("deepseek-v2-lite")
        engram["num_hidden_layers"] = 1000
        engram["engram"] = [
            "engram_vocab_size": [1000, 1000], "max_ngram_size": 3,
            "n_embed_per_ngram": 1024, "n_head_per_ngram": 1024,
            "layer_ids": .array((0..<1000).map { .integer($0) }), "pad_id": 0, "kernel_size": 4,
        ]
        let error = try #require(throws: ConfigurationError.self) {
            try ArchitectureSummary(engram)
        }
        #expect(error.found == "1000 layers with 2048000 tables")
    }

    @Test("refuses an architecture it does not know, by the field")
    func refusesUnknown() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ArchitectureSummary(JSONObject([("model_type", "mamba")]))
        }
        #expect(error.field == "model_type")
    }

    @Test("draws the layers in text")
    func drawsText() throws {
        let text = "\(try Self.summary("deepseek-v3.2"))"
        for part in [
            "┌ 3 × dense", "├ 58 × 256 experts, 8 + 1 active",
            "128 heads over latents of 512 + 64, queries of rank 1,536",
            "index         64 heads of 128 keep at most 2,048 keys",
            "feed-forward  2,048 wide each", "129,280 × 7,168", "+ 1 predicting further",
        ] { #expect(text.contains(part), "\(part) in\n\(text)") }
        let lines = text.split(separator: "\n").filter { $0.last?.isLetter == true }
        let counted = lines.filter { $0.hasSuffix("B") || $0.hasSuffix("M") }
        #expect(Set(counted.map(\.count)).count == 1, "counts stand flush right in\n\(text)")
        #expect(
            try Self.summary("deepseek-v3").parameterText
                == "671B (671,026,419,200), 36.6B active a token, "
                + "11.6B more to predict further tokens")
    }

    @Test("draws an SVG that needs nothing else and has a square for each expert")
    func drawsSVG() throws {
        let svg = try Self.summary("deepseek-v3").svg
        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
        #expect(svg.hasSuffix("</svg>\n"))
        func count(_ part: String) -> Int {
            svg.split(separator: part, omittingEmptySubsequences: false).count - 1
        }
        #expect(count("class=\"expert\"") + count("class=\"chosen\"") == 256)
        #expect(count("class=\"chosen\"") == 8)
        #expect(count("class=\"shared\"") == 1)
        #expect(count("http") == 1)
        #expect(count("<text") == count("</text>"))
        #expect(try Self.summary("deepseek-v2").svg.contains("93.3 % less than DeepSeek 67B"))
    }

    @Test("gives all figures as JSON")
    func givesJSON() throws {
        let json = JSONValue.object(try Self.summary("deepseek-v2").json)
        #expect(json["parameters"]?.intValue == 235_741_434_880)
        #expect(json["layers"]?[1]?["feed_forward"]?["count"]?.intValue == 160)
        #expect(json["layers"]?[1]?["attention"]?["query_rank"]?.intValue == 1536)
        #expect(json["cache"]?["elements_per_token"]?.intValue == 34_560)
        #expect(json["cache"]?["published_claim"]?["bits"]?.intValue == 6)
        #expect(try JSONValue(parsing: json.serialized()) == json)
    }
}

import FathomCheckpoints
import FathomJSON
import FathomTensors
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("A conversion")
struct ConversionTests {
    /// A folder like the one a GGUF fixture was made from.
    private func folder(
        _ fixture: String, tokenizer: Bool = true, weights type: DType = .f32
    ) throws -> TemporaryFolder {
        let temporary = try TemporaryFolder()
        let file = try GGUFFile(path: Fixtures.path("\(fixture)/model.gguf"))
        _ = try file.writeFolder(to: temporary("model"), type)
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            #expect(unlink(temporary("model/\(name)")) == 0)
            if tokenizer {
                try temporary.write(
                    Fixtures.bytes("16-trained-bpe/\(name)"), to: "model/\(name)")
            }
        }
        return temporary
    }

    @Test(
        "of a folder gives the metadata of llama.cpp's converter",
        arguments: ["15-gguf-llama-mixed", "15-gguf-llama-q8_0"])
    func metadata(fixture: String) throws {
        let temporary = try folder(fixture)
        let path = temporary("model.gguf")
        _ = try ModelFolder(path: temporary("model")).writeGGUF(to: path)
        let found = try GGUFFile(path: path).metadata
        let expected = try GGUFFile(path: Fixtures.path("\(fixture)/model.gguf")).metadata
        // The name comes from the folder, the type from the formats; a head dimension that follows
        // from the other sizes is not written.
        let ignored = [
            "general.name", "general.file_type", "general.quantization_version",
            "llama.attention.key_length", "llama.attention.value_length",
        ]
        for (key, value) in expected.pairs where !ignored.contains(key) {
            let other = try #require(found[key], "\(key) is missing")
            #expect(other.type == value.type, "\(key)")
            switch (other, value) {
            case (.array(let a), .array(let b)):
                #expect(a.elementType == b.elementType && a.count == b.count, "\(key)")
                #expect(a.strings == b.strings && a.ints == b.ints, "\(key)")
            default:
                #expect(other.description == value.description, "\(key)")
            }
        }
        let extra = found.keys.filter { expected[$0] == nil }
        #expect(extra == [])
    }

    @Test("to a folder and back keeps every number, and the rows of queries and keys")
    func roundTrip() throws {
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        let temporary = try folder("15-gguf-llama-q8_0")
        let model = try ModelFolder(path: temporary("model"))
        let query = try file.tensor("blk.0.attn_q.weight").dequantized()
        let halves = try model.tensor("model.layers.0.self_attn.q_proj.weight")
        #expect(halves.floatArray() != query.floatArray())
        #expect(
            try RotaryRows.interleaved(halves, headCount: 4).floatArray() == query.floatArray())
        let path = temporary("again.gguf")
        let report = try model.writeGGUF(to: path)
        let again = try GGUFFile(path: path)
        #expect(Set(again.names) == Set(file.names))
        #expect(report.tensorCount == file.names.count)
        #expect(report.notes == [])
        for name in file.names {
            let (a, b) = (try again.tensor(name), try file.tensor(name))
            #expect(a.shape == b.shape, "\(name)")
            #expect(a.dtype == .f32, "\(name)")
            let same = a.floatArray() == b.floatArray()
            #expect(same, "\(name)")
        }
    }

    @Test("to a folder writes a configuration and a tokenizer that say the same")
    func configuration() throws {
        let temporary = try TemporaryFolder()
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
        _ = try file.writeFolder(to: temporary("model"), .bf16)
        let folder = try ModelFolder(path: temporary("model"))
        let expected = try #require(
            try FolderFiles(path: Fixtures.path("15-gguf-llama-mixed")).object(of: "hf_config.json")
        )
        for key in [
            "architectures", "model_type", "hidden_act", "hidden_size", "intermediate_size",
            "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "max_position_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling", "vocab_size",
            "tie_word_embeddings", "attention_bias", "mlp_bias", "bos_token_id", "eos_token_id",
        ] { #expect(folder.configuration[key] == expected[key], "\(key)") }
        #expect(folder.configuration["torch_dtype"]?.stringValue == "bfloat16")
        #expect(folder.names.allSatisfy { folder.info($0)?.dtype == .bf16 })
        let tokenizer = try #require(try folder.files.object(of: "tokenizer.json"))
        let original = try #require(
            try FolderFiles(path: Fixtures.path("16-trained-bpe")).object(of: "tokenizer.json"))
        #expect(tokenizer["added_tokens"]?.arrayValue?.count == 7)
        #expect(
            tokenizer["model"]?["merges"]?.arrayValue?.count
                == original["model"]?["merges"]?.arrayValue?.count)
        // And the way back gives the same metadata.
        let path = temporary("again.gguf")
        _ = try folder.writeGGUF(to: path)
        let again = try GGUFFile(path: path).metadata
        for key in file.metadata.keys where key.hasPrefix("tokenizer.") {
            let (a, b) = (again[key], file.metadata[key])
            #expect(a?.description == b?.description, "\(key)")
            #expect(a?.arrayValue?.strings == b?.arrayValue?.strings, "\(key)")
            #expect(a?.arrayValue?.ints == b?.arrayValue?.ints, "\(key)")
        }
    }

    @Test("keeps the formats of a folder, in which vectors become F32")
    func asStored() throws {
        for type in [DType.f16, .bf16] {
            let temporary = try folder("15-gguf-llama-q8_0", tokenizer: false, weights: type)
            let path = temporary("a.gguf")
            let report = try ModelFolder(path: temporary("model")).writeGGUF(to: path)
            let file = try GGUFFile(path: path)
            for name in file.names {
                let info = try #require(file.info(name))
                #expect(info.dtype == (info.shape.count == 2 ? type : .f32), "\(name)")
            }
            #expect(try file.metadata.int("general.file_type") == (type == .f16 ? 1 : 32))
            #expect(report.notes == ["there is no tokenizer.json, so the file has no vocabulary"])
            #expect(file.metadata["tokenizer.ggml.model"] == nil)
        }
    }

    @Test("quantises matrices, and the output in a finer format")
    func quantizes() throws {
        let temporary = try TemporaryFolder()
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
        let policy = try #require(QuantizationPolicy(named: "q4_k"))
        let path = temporary("q.gguf")
        var seen: [ConversionProgress] = []
        let report = try file.quantize(to: path, policy) { seen.append($0) }
        let result = try GGUFFile(path: path)
        #expect(result.names == file.names)
        #expect(seen.map(\.name) == file.names)
        #expect(seen.map(\.finishedCount) == Array(0..<file.names.count))
        for name in result.names {
            let info = try #require(result.info(name))
            let expected: DType =
                info.shape.count < 2 ? .f32 : name == "output.weight" ? .q6_K : .q4_K
            #expect(info.dtype == expected, "\(name)")
        }
        #expect(
            report.byteCount == result.names.reduce(0) { $0 + (result.info($1)?.byteCount ?? 0) })
        #expect(try result.metadata.int("general.file_type") == 14)
        #expect(try result.metadata.int("general.quantization_version") == 2)
        #expect(
            try result.metadata.strings("tokenizer.ggml.tokens")
                == file.metadata.strings("tokenizer.ggml.tokens"))
        // A tensor that has the format already is copied as it is.
        let same =
            try result.tensor("blk.0.attn_q.weight").withBytes { Array($0) }
            == file.tensor("blk.0.attn_q.weight").withBytes { Array($0) }
        #expect(same)
        // Four bits for numbers spread over about six steps a side of zero.
        let a = try file.tensor("token_embd.weight").floatArray()
        let b = try result.tensor("token_embd.weight").floatArray()
        let error = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let power = a.reduce(0) { $0 + $1 * $1 }
        #expect(error < 0.01 * power)
        #expect(error > 0)
    }

    @Test("falls back to smaller blocks where rows are no multiple of 256")
    func fallback() throws {
        let temporary = try TemporaryFolder()
        var metadata = GGUFMetadata()
        metadata["general.architecture"] = .string("llama")
        var generator = SeededGenerator(seed: 3)
        let odd = Tensor(generator.floats(4 * 96), shape: [4, 96])
        let odder = Tensor(generator.floats(4 * 40), shape: [4, 40])
        let source = temporary("a.gguf")
        try GGUFWriter.write(
            [("a.weight", odd), ("b.weight", odder), ("output.weight", odd), ("c.bias", odd)],
            metadata: metadata, to: source)
        let file = try GGUFFile(path: source)
        let types: [(String, DType, DType)] = [
            ("Q4_K", .q5_0, .q8_0), ("Q5_K", .q5_1, .q8_0), ("Q6_K", .q8_0, .q8_0),
            ("Q2_K", .iq4_NL, .q8_0), ("Q3_K", .iq4_NL, .q8_0), ("Q8_0", .q8_0, .q8_0),
            ("IQ4_XS", .iq4_NL, .q8_0), ("F16", .f16, .f16),
        ]
        for (name, expected, output) in types {
            let path = temporary("b.gguf")
            let policy = try #require(QuantizationPolicy(named: name))
            let report = try file.quantize(to: path, policy)
            let result = try GGUFFile(path: path)
            #expect(result.info("a.weight")?.dtype == expected, "\(name)")
            #expect(result.info("b.weight")?.dtype == .f16, "\(name)")
            #expect(result.info("output.weight")?.dtype == output, "\(name)")
            #expect(result.info("c.bias")?.dtype == .f32, "\(name)")
            if name == "Q4_K" {
                #expect(
                    report.notes.first
                        == "'a.weight' has rows of 96, no multiple of 256, and is Q5_0")
            }
        }
    }

    @Test("takes formats of its own for the embedding and the output")
    func special() throws {
        let temporary = try TemporaryFolder()
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
        var policy = try #require(QuantizationPolicy(named: "Q4_K_M"))
        policy.embeddingType = .f16
        policy.outputType = .q8_0
        let path = temporary("q.gguf")
        _ = try file.quantize(to: path, policy)
        let result = try GGUFFile(path: path)
        #expect(result.info("token_embd.weight")?.dtype == .f16)
        #expect(result.info("output.weight")?.dtype == .q8_0)
        // Of two layers the second is in the last eighth, rounded up.
        #expect(result.info("blk.0.attn_v.weight")?.dtype == .q4_K)
        #expect(result.info("blk.1.attn_v.weight")?.dtype == .q6_K)
        #expect(result.info("blk.1.ffn_down.weight")?.dtype == .q6_K)
        #expect(result.info("blk.1.ffn_up.weight")?.dtype == .q4_K)
        #expect(try result.metadata.int("general.file_type") == 15)
        #expect(QuantizationPolicy(named: "IQ9") == nil)
        #expect(QuantizationPolicy(named: "F8_E4M3") == nil)
    }

    @Test("of Llama 3's rotary scaling goes through divisors and back")
    func llama3() throws {
        let temporary = try folder("15-gguf-llama-q8_0", tokenizer: false)
        let config = temporary("model/config.json")
        var object = try ModelFolder(path: temporary("model")).configuration
        object["rope_scaling"] = [
            "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        ]
        object["rope_theta"] = 500_000.0
        #expect(unlink(config) == 0)
        try temporary.write(JSONValue.object(object).serializedBytes(), to: "model/config.json")
        let path = temporary("a.gguf")
        _ = try ModelFolder(path: temporary("model")).writeGGUF(to: path)
        let file = try GGUFFile(path: path)
        let factors = try file.tensor("rope_freqs.weight").floatArray()
        let headDimension = try #require(object["head_dim"]?.intValue)
        #expect(factors.count == headDimension / 2)
        #expect(factors.first == 1)
        #expect(factors.last == 32)
        #expect(factors == factors.sorted())
        _ = try file.writeFolder(to: temporary("again"), .f32)
        let again = try ModelFolder(path: temporary("again")).configuration
        #expect(again["rope_scaling"]?["rope_type"]?.stringValue == "llama3")
        #expect(again["rope_scaling"]?["factor"]?.doubleValue == 32)
        #expect(again["rope_theta"]?.doubleValue == 500_000)
    }

    @Test("writes linear and YaRN scaling under llama.cpp's keys")
    func scaling() throws {
        let temporary = try folder("15-gguf-llama-q8_0", tokenizer: false)
        var object = try ModelFolder(path: temporary("model")).configuration
        func convert(_ scaling: JSONValue) throws -> (GGUFMetadata, JSONObject) {
            object["rope_scaling"] = scaling
            try temporary.write(
                JSONValue.object(object).serializedBytes(), to: "model/config.json")
            _ = try ModelFolder(path: temporary("model")).writeGGUF(to: temporary("a.gguf"))
            let file = try GGUFFile(path: temporary("a.gguf"))
            let name = "again\(UInt32.random(in: 0 ... .max))"
            _ = try file.writeFolder(to: temporary(name), .f32)
            return (file.metadata, try ModelFolder(path: temporary(name)).configuration)
        }
        let (linear, back) = try convert(["type": "linear", "factor": 2.0])
        #expect(try linear.string("llama.rope.scaling.type") == "linear")
        #expect(try linear.float("llama.rope.scaling.factor") == 2)
        #expect(back["rope_scaling"]?["rope_type"]?.stringValue == "linear")
        let (yarn, back2) = try convert([
            "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
            "beta_fast": 16.0,
        ])
        #expect(try yarn.string("llama.rope.scaling.type") == "yarn")
        #expect(try yarn.int("llama.rope.scaling.original_context_length") == 64)
        #expect(try yarn.float("llama.rope.scaling.yarn_beta_fast") == 16)
        #expect(back2["rope_scaling"]?["beta_fast"]?.doubleValue == 16)
        #expect(throws: ConversionError.self) { try convert(["type": "dynamic", "factor": 2.0]) }
    }

    @Test("is refused by name for what it cannot carry over, and leaves nothing behind")
    func refusals() throws {
        let temporary = try folder("15-gguf-llama-q8_0", tokenizer: false)
        let model = temporary("model")
        let before = temporary.contents
        let object = try ModelFolder(path: model).configuration
        func refused(_ change: (inout JSONObject) -> Void) throws -> ConversionError? {
            var changed = object
            change(&changed)
            try temporary.write(
                JSONValue.object(changed).serializedBytes(), to: "model/config.json")
            do {
                _ = try ModelFolder(path: model).writeGGUF(to: temporary("a.gguf"))
                return nil
            } catch let error as ConversionError {
                return error
            }
        }
        #expect(
            try refused { $0["model_type"] = "gpt9" }
                == .architecture(path: model, found: "gpt9"))
        #expect(
            try refused { $0["num_hidden_layers"] = 1_000_000_000 }
                == .field(
                    path: "\(model)/config.json", name: "num_hidden_layers", found: "1000000000",
                    expected: "a whole number from 1 to 10000"))
        #expect(
            try refused { $0["num_attention_heads"] = 0 }
                == .field(
                    path: "\(model)/config.json", name: "num_attention_heads", found: "0",
                    expected: "a whole number from 1 to 65536"))
        #expect(
            try refused { $0["num_hidden_layers"] = 3 }
                == .missingTensor(path: model, name: "blk.2.attn_norm.weight"))
        #expect(try refused { $0["hidden_size"] = nil } != nil)
        #expect(
            try refused { $0["vocab_size"] = 1027 }
                == .field(
                    path: "\(model)/config.json", name: "vocab_size", found: "1027",
                    expected: "1028, the rows of 'model.embed_tokens.weight'"))
        #expect(temporary.contents == before)

        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        #expect(throws: ConversionError.unsupportedTarget("Q8_0")) {
            try file.writeFolder(to: temporary("b"), .q8_0)
        }
        #expect(throws: ConversionError.alreadyExists(path: model)) {
            try file.writeFolder(to: model, .f32)
        }
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try file.writeFolder(to: temporary("b"), .f32) {
                if $0.finishedCount == 3 { throw Stop() }
            }
        }
        #expect(throws: Stop.self) {
            try file.quantize(to: temporary("b.gguf"), QuantizationPolicy(type: .q4_0)) {
                if $0.finishedCount == 3 { throw Stop() }
            }
        }
        #expect(throws: ConversionError.unsupportedTarget("IQ2_XXS")) {
            var policy = QuantizationPolicy(type: .f32)
            policy.type = .iq2_XXS
            _ = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
                .quantize(to: temporary("b.gguf"), policy)
        }
        #expect(temporary.contents == before)
    }

    @Test("of a file with impossible metadata is refused without trying")
    func hostileMetadata() throws {
        let temporary = try TemporaryFolder()
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        let values: [(String, GGUFValue)] = [
            ("llama.block_count", .uint64(1 << 62)), ("llama.block_count", .int32(-1)),
            ("llama.attention.head_count", .uint32(0)), ("llama.attention.head_count", .uint32(7)),
            ("llama.attention.key_length", .uint64(1 << 40)),
            ("llama.embedding_length", .string("256")), ("llama.rope.scaling.type", .string("x")),
            ("tokenizer.ggml.tokens", .array(GGUFArray(["a"]))),
        ]
        for (key, value) in values {
            var metadata = file.metadata
            metadata[key] = value
            let path = temporary("a.gguf")
            try GGUFWriter.write(
                file.names.map { ($0, try file.tensor($0)) }, metadata: metadata, to: path)
            #expect(throws: (any Error).self, "\(key)") {
                try GGUFFile(path: path).writeFolder(to: temporary("b"), .f32)
            }
            // Quantising does not depend on it.
            var policy = QuantizationPolicy(type: .q4_0)
            policy.keepsSensitiveLayers = true
            _ = try GGUFFile(path: path).quantize(to: temporary("c.gguf"), policy)
        }
        #expect(temporary.contents == ["a.gguf", "c.gguf"])
    }

    @Test("to F16 is refused for numbers that would become infinite")
    func overflow() throws {
        let temporary = try TemporaryFolder()
        let path = temporary("a.gguf")
        let x = Tensor([1.0, 70_000, -.infinity, 2], shape: [2, 2])
        try GGUFWriter.write([("a.weight", x)], metadata: GGUFMetadata(), to: path)
        #expect(throws: ConversionError.overflow(path: path, tensor: "a.weight")) {
            try GGUFFile(path: path).quantize(
                to: temporary("b.gguf"), QuantizationPolicy(type: .f16))
        }
        let y = Tensor([1.0, 65_504, -.infinity, 2], shape: [2, 2])
        try GGUFWriter.write([("a.weight", y)], metadata: GGUFMetadata(), to: path)
        _ = try GGUFFile(path: path).quantize(
            to: temporary("b.gguf"), QuantizationPolicy(type: .f16))
        #expect(
            try GGUFFile(path: temporary("b.gguf")).tensor("a.weight").floatArray()
                == [1, 65_504, -.infinity, 2])
    }

    @Test("tells pre-tokenizers apart and refuses other tokenizers by name")
    func tokenizers() throws {
        let temporary = try folder("15-gguf-llama-q8_0")
        let path = temporary("a.gguf")
        let original = try #require(
            try FolderFiles(path: temporary("model")).object(of: "tokenizer.json"))
        func pre(
            name: String? = nil, _ change: (inout JSONObject) -> Void
        ) throws -> String {
            var changed = original
            change(&changed)
            try temporary.write(
                JSONValue.object(changed).serializedBytes(), to: "model/tokenizer.json")
            _ = try ModelFolder(path: temporary("model")).writeGGUF(to: path, pretokenizer: name)
            return try GGUFFile(path: path).metadata.string("tokenizer.ggml.pre")
        }
        func split(_ expression: String) -> JSONValue {
            [
                "type": "Split", "pattern": ["Regex": .string(expression)],
                "behavior": "Isolated", "invert": false,
            ]
        }
        let bytes: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
        ]
        #expect(try pre { _ in } == "deepseek-v3")
        #expect(try pre { $0["pre_tokenizer"] = bytes } == "gpt-2")
        #expect(
            try pre {
                $0["pre_tokenizer"] = [
                    "type": "Sequence",
                    "pretokenizers": [["type": "Digits", "individual_digits": true], bytes],
                ]
            } == "smollm")
        #expect(throws: ConversionError.self) { try pre { $0["pre_tokenizer"] = split("x") } }
        #expect(try pre(name: "qwen2") { $0["pre_tokenizer"] = split("x") } == "qwen2")
        let broken: [(inout JSONObject) -> Void] = [
            { $0["model"] = ["type": "Unigram"] },
            { $0["model"] = ["type": "BPE", "vocab": ["a": 1, "b": 1], "merges": []] },
            { $0["model"] = ["type": "BPE", "vocab": ["a": -1], "merges": []] },
            { $0["model"] = ["type": "BPE", "vocab": ["a": 1028], "merges": []] },
            { $0["model"] = ["type": "BPE", "vocab": [:], "merges": [["a"]]] },
            { $0["added_tokens"] = [["id": 3, "content": "x"]] },
        ]
        for change in broken {
            #expect(throws: ConversionError.self) { try pre(change) }
        }
        #expect(unlink(temporary("model/tokenizer.json")) == 0)
        try temporary.write([1], to: "model/tokenizer.model")
        #expect(throws: ConversionError.self) {
            try ModelFolder(path: temporary("model")).writeGGUF(to: path)
        }
    }
}

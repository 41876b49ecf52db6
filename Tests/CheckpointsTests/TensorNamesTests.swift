import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

@Suite("Tensor names")
struct TensorNamesTests {
    @Test("go from one layout to the other and back")
    func bothWays() {
        let names = [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.norm.weight", "output_norm.weight"), ("lm_head.weight", "output.weight"),
            ("model.layers.0.input_layernorm.weight", "blk.0.attn_norm.weight"),
            ("model.layers.12.post_attention_layernorm.weight", "blk.12.ffn_norm.weight"),
            ("model.layers.3.self_attn.q_proj.weight", "blk.3.attn_q.weight"),
            ("model.layers.3.self_attn.k_proj.bias", "blk.3.attn_k.bias"),
            ("model.layers.3.self_attn.v_proj.bias", "blk.3.attn_v.bias"),
            ("model.layers.3.self_attn.o_proj.weight", "blk.3.attn_output.weight"),
            ("model.layers.3.mlp.gate_proj.weight", "blk.3.ffn_gate.weight"),
            ("model.layers.3.mlp.up_proj.weight", "blk.3.ffn_up.weight"),
            ("model.layers.3.mlp.down_proj.weight", "blk.3.ffn_down.weight"),
        ]
        for (huggingFace, gguf) in names {
            #expect(TensorNames.llama.gguf(huggingFace) == gguf)
            #expect(TensorNames.llama.huggingFace(gguf) == huggingFace)
        }
    }

    @Test("that the table does not have are nil")
    func unknown() {
        for name in [
            "", ".", "model", "model.layers.x.mlp.up_proj.weight",
            "model.layers.#.mlp.up_proj.weight",
            "model.layers..mlp.up_proj.weight", "model.layers.1.mlp.up_proj", "lm_head.weight.1",
            "model.layers.1.2.mlp.up_proj.weight", "rope_freqs.weight",
        ] {
            #expect(TensorNames.llama.gguf(name) == nil, "\(name)")
        }
    }

    @Test("of a GGUF file can be those of Hugging Face")
    func namedSource() throws {
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
        let source = try GGUFNamedSource(file)
        #expect(source.names.count == file.names.count)
        #expect(source.info("blk.0.attn_q.weight") == nil)
        let name = "model.layers.1.self_attn.k_proj.weight"
        #expect(
            source.info(name)
                == TensorInfo(name: name, dtype: .q5_0, shape: [128, 256], byteCount: 22528))
        let same =
            try source.tensor(name).withBytes { Array($0) }
            == file.tensor("blk.1.attn_k.weight").withBytes { Array($0) }
        #expect(same)
        #expect(throws: CheckpointError.self) { try source.tensor("x") }
    }

    @Test("of an architecture without a table are refused by its name")
    func unknownArchitecture() throws {
        let folder = try TemporaryFolder()
        var bytes = GGUFBytes()
        bytes.pair("general.architecture", type: 8, value: GGUFBytes.string("gpt9"))
        let path = try folder.write(bytes.bytes, to: "a.gguf")
        #expect(throws: NamingError(path: path, architecture: "gpt9")) {
            try GGUFNamedSource(try GGUFFile(path: path))
        }
    }

    @Test("that would become one name are refused")
    func collision() throws {
        let folder = try TemporaryFolder()
        var bytes = GGUFBytes()
        bytes.pair("general.architecture", type: 8, value: GGUFBytes.string("llama"))
        bytes.tensor("output.weight", [1], bytes: [1])
        bytes.tensor("lm_head.weight", [1], bytes: [1])
        let path = try folder.write(bytes.bytes, to: "a.gguf")
        #expect(throws: GGUFError(path, .duplicateTensor("lm_head.weight"))) {
            try GGUFNamedSource(try GGUFFile(path: path))
        }
    }
}

@Suite("Rotary rows")
struct RotaryRowsTests {
    @Test("move halves side by side within each head, and back")
    func moves() throws {
        let weight = Tensor((0..<16).map { Float($0) }, shape: [8, 2])
        let moved = try RotaryRows.interleaved(weight, headCount: 2)
        // Rows 0 1 2 3 of a head become 0 2 1 3.
        #expect(
            moved.floatArray() == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
        #expect(try RotaryRows.inHalves(moved, headCount: 2).floatArray() == weight.floatArray())
        let bias = Tensor((0..<6).map { Float($0) }, shape: [6])
        #expect(
            try RotaryRows.interleaved(bias, headCount: 1).floatArray() == [0, 3, 1, 4, 2, 5])
    }

    @Test("of quantised weights move as whole rows")
    func quantised() throws {
        let file = try GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))
        let weight = try file.tensor("blk.0.attn_q.weight")
        #expect(weight.dtype == .q4_K)
        let halves = try RotaryRows.inHalves(weight, headCount: 4)
        let direct = try RotaryRows.inHalves(weight.dequantized(), headCount: 4)
        #expect(halves.dequantized().floatArray() == direct.floatArray())
        let back = try RotaryRows.interleaved(halves, headCount: 4)
        let same = back.withBytes { Array($0) } == weight.withBytes { Array($0) }
        #expect(same)
    }

    @Test("are refused unless they are whole heads of even size")
    func refusals() {
        #expect(throws: RotaryRowsError(shape: [6, 1], headCount: 2)) {
            try RotaryRows.interleaved(Tensor.zeros([6, 1]), headCount: 2)
        }
        #expect(throws: RotaryRowsError(shape: [6, 1], headCount: 4)) {
            try RotaryRows.interleaved(Tensor.zeros([6, 1]), headCount: 4)
        }
        #expect(throws: RotaryRowsError(shape: [], headCount: 1)) {
            try RotaryRows.interleaved(Tensor.zeros([]), headCount: 1)
        }
        #expect(throws: RotaryRowsError.self) {
            try RotaryRows.interleaved(Tensor.zeros([4]), headCount: 0)
        }
    }
}

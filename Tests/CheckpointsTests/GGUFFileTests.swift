import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

@Suite("A GGUF file")
struct GGUFFileTests {
    let file = try? GGUFFile(path: Fixtures.path("15-gguf-llama-mixed/model.gguf"))

    @Test("gives metadata in order, with its types")
    func metadata() throws {
        let metadata = try #require(file).metadata
        #expect(metadata.keys.first == "general.architecture")
        #expect(metadata.count == 28)
        #expect(try metadata.string("general.architecture") == "llama")
        #expect(try metadata.int("llama.block_count") == 2)
        #expect(try metadata.float("llama.rope.freq_base") == 10_000)
        #expect(try metadata.bool("tokenizer.ggml.add_bos_token"))
        let tokens = try metadata.strings("tokenizer.ggml.tokens", count: 1028)
        #expect(
            tokens[0...3] == ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "!"])
        #expect(
            try metadata.ints("tokenizer.ggml.token_type", count: 1028)[...4] == [3, 3, 3, 1, 1])
        #expect(try metadata.strings("tokenizer.ggml.merges").count == 765)
        #expect(try metadata.optionalString("nothing") == nil)
    }

    @Test("says what is wrong with a value that is asked for")
    func wrongValues() throws {
        let file = try #require(file)
        let metadata = file.metadata
        #expect(throws: GGUFError(file.path, .missingKey("x"))) { try metadata.string("x") }
        #expect(
            throws: GGUFError(
                file.path,
                .wrongValueType(
                    key: "llama.block_count", found: "uint32", expected: "a string"))
        ) { try metadata.string("llama.block_count") }
        #expect(
            throws: GGUFError(
                file.path,
                .wrongValueType(
                    key: "tokenizer.ggml.token_type", found: "an array of int32",
                    expected: "an array of floating-point numbers"))
        ) { try metadata.floats("tokenizer.ggml.token_type") }
        #expect(
            throws: GGUFError(
                file.path,
                .wrongCount(key: "tokenizer.ggml.tokens", found: 1028, expected: 1029))
        ) { try metadata.strings("tokenizer.ggml.tokens", count: 1029) }
        #expect(throws: GGUFError.self) { try metadata.int("tokenizer.ggml.tokens") }
        #expect(throws: GGUFError.self) { try metadata.bool("llama.block_count") }
    }

    @Test("reverses dimensions to row-major shapes and lends views")
    func tensors() throws {
        let file = try #require(file)
        #expect(
            file.info("blk.0.attn_k.weight")
                == TensorInfo(
                    name: "blk.0.attn_k.weight", dtype: .q4_0, shape: [128, 256],
                    byteCount: 128 * 256 / 32 * 18))
        let tensor = try file.tensor("blk.0.attn_k.weight")
        #expect(tensor.shape == [128, 256])
        #expect(tensor.storage.isMapped)
        #expect(file.names.count == 21)
        #expect(throws: CheckpointError.self) { try file.tensor("blk.0.attn_k.bias") }
    }

    @Test(
        "dequantises as the reference does",
        arguments: ["15-gguf-llama-mixed", "15-gguf-llama-q8_0"])
    func values(name: String) throws {
        let file = try GGUFFile(path: Fixtures.path("\(name)/model.gguf"))
        let cases = try Fixtures.tensors("\(name)/cases.safetensors")
        let names = cases.names.filter { $0.hasPrefix("dequant.") }
        try #require(!names.isEmpty)
        for name in names {
            let expected = try cases.tensor(name).floatArray()
            let found = try file.tensor(String(name.dropFirst("dequant.".count))).floatArray()
            try #require(found.count >= expected.count)
            for (a, b) in zip(found, expected) {
                // The order of the multiplications may differ by one rounding.
                #expect(abs(a - b) <= 1.2e-7 * max(abs(a), abs(b)))
            }
        }
    }

    @Test("keeps numbers of every type")
    func numberTypes() throws {
        let folder = try TemporaryFolder()
        var bytes = GGUFBytes()
        bytes.pair("u8", type: 0, value: [0xFF])
        bytes.pair("i8", type: 1, value: [0xFF])
        bytes.pair("u16", type: 2, value: [0xFF, 0xFF])
        bytes.pair("i16", type: 3, value: [0xFE, 0xFF])
        bytes.pair("u32", type: 4, value: littleEndian(UInt32.max))
        bytes.pair("i32", type: 5, value: littleEndian(Int32.min))
        bytes.pair("u64", type: 10, value: littleEndian(UInt64.max))
        bytes.pair("i64", type: 11, value: littleEndian(Int64.min))
        bytes.pair("f64", type: 12, value: littleEndian(Double(0.1).bitPattern))
        bytes.array("a", type: 3, count: 2, elements: [1, 0, 0xFF, 0xFF])
        bytes.array("b", type: 10, count: 1, elements: littleEndian(UInt64.max))
        bytes.array("c", type: 12, count: 1, elements: littleEndian(Double(0.5).bitPattern))
        bytes.array(
            "d", type: 8, count: 2, elements: GGUFBytes.string([0xFF]) + GGUFBytes.string("x"))
        let metadata = try GGUFFile(path: folder.write(bytes.bytes, to: "a.gguf")).metadata
        #expect(try metadata.int("u8") == 255)
        #expect(try metadata.int("i8") == -1)
        #expect(try metadata.int("u16") == 65_535)
        #expect(try metadata.int("i16") == -2)
        #expect(try metadata.int("u32") == 4_294_967_295)
        #expect(try metadata.int("i32") == -2_147_483_648)
        #expect(throws: GGUFError.self) { try metadata.int("u64") }
        #expect(try metadata.int("i64") == .min)
        #expect(metadata["f64"]?.doubleValue == 0.1)
        #expect(try metadata.ints("a") == [1, -1])
        #expect(throws: GGUFError.self) { try metadata.ints("b") }
        #expect(try metadata.floats("c") == [0.5])
        // A vocabulary may hold bytes that are no text; as text it is refused.
        #expect(metadata["d"]?.arrayValue?.bytes(at: 0) == [0xFF])
        #expect(throws: GGUFError.self) { try metadata.strings("d") }
        #expect(try metadata.optionalIntPerLayer("a", layerCount: 2) == [1, -1])
        #expect(throws: GGUFError.self) { try metadata.optionalIntPerLayer("a", layerCount: 3) }
        #expect(try metadata.optionalIntPerLayer("u8", layerCount: 2) == [255, 255])
    }

    @Test("lends metadata that can be changed")
    func mutation() throws {
        var metadata = try #require(file).metadata
        metadata["general.name"] = .string("other")
        metadata["general.type"] = nil
        metadata["new"] = .array(GGUFArray(["a", "b"]))
        #expect(try metadata.string("general.name") == "other")
        #expect(metadata["general.type"] == nil)
        #expect(metadata.count == 28)
        #expect(metadata.keys.last == "new")
        #expect(try metadata.strings("new") == ["a", "b"])
    }
}

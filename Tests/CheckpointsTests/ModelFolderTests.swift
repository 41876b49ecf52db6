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

@Suite("A model folder")
struct ModelFolderTests {
    static let shards = (1...3).map { "model-0000\($0)-of-00003.safetensors" }

    /// A copy of the sharded fixture without some of its files.
    private func copy(without left: [String] = []) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let names = Self.shards + ["config.json", "model.safetensors.index.json"]
        for name in names where !left.contains(name) {
            try folder.write(Fixtures.bytes("01-llama-gqa-sharded/\(name)"), to: name)
        }
        return folder
    }

    private func reason(_ path: String) throws -> ModelFolderError.Reason? {
        do {
            _ = try ModelFolder(path: path)
            return nil
        } catch let error as ModelFolderError {
            #expect(error.description.hasPrefix(error.path))
            return error.reason
        }
    }

    @Test("of several files gives every weight")
    func sharded() throws {
        let folder = try ModelFolder(path: Fixtures.path("01-llama-gqa-sharded"))
        #expect(folder.names.count == 39)
        #expect(folder.configuration["hidden_size"]?.intValue == 96)
        #expect(folder.generationConfiguration == nil)
        #expect(folder.missingShards == [])
        for name in folder.names {
            let tensor = try folder.tensor(name)
            #expect(tensor.shape.sizes == folder.info(name)?.shape)
        }
        #expect(try folder.tensor("model.embed_tokens.weight").shape == [320, 96])
        #expect(throws: CheckpointError.self) { try folder.tensor("x") }
        try folder.checkIntact()
    }

    @Test("of one file needs no index")
    func single() throws {
        let folder = try TemporaryFolder()
        try folder.write("{\"model_type\":\"llama\"}".utf8, to: "config.json")
        try folder.write("{\"temperature\":0.5}".utf8, to: "generation_config.json")
        try folder.write("{}".utf8, to: "tokenizer.json")
        try SafetensorsWriter.write(
            [("x", Tensor([1.0], shape: [1]))], to: folder("model.safetensors"))
        let model = try ModelFolder(path: folder.path)
        #expect(model.names == ["x"])
        #expect(model.generationConfiguration?["temperature"]?.doubleValue == 0.5)
        let files = try model.tokenizerFiles
        #expect(files.tokenizer?.hasSuffix("/tokenizer.json") == true)
        #expect(files.sentencePiece == nil)
        guard case .folder = try Checkpoint.open(folder.path) else {
            Issue.record("was not opened as a folder")
            return
        }
    }

    @Test("says which files are missing, and lends those that are there")
    func missing() throws {
        let folder = try copy(without: [Self.shards[1]])
        let cut = try Fixtures.bytes("01-llama-gqa-sharded/\(Self.shards[2])").dropLast(100)
        try folder.write(cut, to: Self.shards[2])
        #expect(throws: SafetensorsError.self) { try ModelFolder(path: folder.path) }
        let partial = try ModelFolder(path: folder.path, allowsMissingShards: true)
        #expect(partial.missingShards == [Self.shards[1], Self.shards[2]])
        #expect(partial.names.count == 39)
        #expect(try partial.tensor("lm_head.weight").shape == [320, 96])
        #expect(partial.info("model.embed_tokens.weight") == nil)
        #expect(
            throws: CheckpointError.tensorNotDownloaded(
                name: "model.embed_tokens.weight", path: folder.path)
        ) { try partial.tensor("model.embed_tokens.weight") }
        let without = try copy(without: [Self.shards[1]])
        #expect(try reason(without.path) == .missingShards([Self.shards[1]], of: 3))
        let unindexed = try copy(without: [Self.shards[0], "model.safetensors.index.json"])
        let parts = try ModelFolder(path: unindexed.path, allowsMissingShards: true)
        #expect(parts.missingShards == [Self.shards[0]])
        #expect(parts.names.count == 26)
    }

    @Test("is refused without its configuration, its weights or itself")
    func incomplete() throws {
        let bare = try copy(without: ["config.json"])
        #expect(try reason(bare.path) == .missingFile("config.json"))
        let unindexed = try copy(without: ["model.safetensors.index.json"])
        #expect(
            try reason(unindexed.path)
                == .missingFile("model.safetensors or model.safetensors.index.json"))
        #expect(try reason("/no/such/folder") == .notAFolder)
        #expect(try reason(Fixtures.path("01-llama-gqa-sharded/config.json")) == .notAFolder)
        let folder = try copy()
        try folder.write("[1]".utf8, to: "config.json")
        #expect(
            try reason(folder.path)
                == .unexpected(file: "config.json", found: "an array", expected: "an object"))
        try folder.write("{\"a\":1,\"a\":2}".utf8, to: "config.json")
        guard case .json("config.json", _)? = try reason(folder.path) else {
            Issue.record("a duplicate key was accepted")
            return
        }
    }

    @Test(
        "is refused for an index that names files elsewhere",
        arguments: [
            "../../etc/passwd", "/etc/passwd", "a/b.safetensors", "..", ".", "", "a\\u0000b",
            "a\\\\b",
        ])
    func shardNames(name: String) throws {
        let folder = try copy()
        try folder.write(
            #"{"weight_map":{"x":"\#(name)"}}"#.utf8, to: "model.safetensors.index.json")
        guard case .badFileName? = try reason(folder.path) else {
            Issue.record("'\(name)' was accepted")
            return
        }
    }

    @Test(
        "is refused for an index of another form",
        arguments: [
            "[]", "{}", #"{"weight_map":[]}"#, #"{"weight_map":{}}"#, #"{"weight_map":{"x":1}}"#,
            #"{"weight_map":{"x":"a"},"metadata":1}"#,
            #"{"weight_map":{"x":"a"},"metadata":{"total_size":"1"}}"#,
            #"{"weight_map":{"x":"a"},"metadata":{"total_size":-1}}"#,
            #"{"weight_map":{"x":"a"},"metadata":{"total_size":1.5}}"#,
        ])
    func indexForm(text: String) throws {
        let folder = try copy()
        try folder.write(text.utf8, to: "model.safetensors.index.json")
        guard case .unexpected("model.safetensors.index.json", _, _)? = try reason(folder.path)
        else {
            Issue.record("\(text) was accepted")
            return
        }
    }

    @Test("is refused unless the index and the files agree on every weight")
    func agreement() throws {
        let folder = try TemporaryFolder()
        try folder.write("{}".utf8, to: "config.json")
        let x = Tensor([1.0], shape: [1])
        try SafetensorsWriter.write([("a", x), ("b", x)], to: folder("1.safetensors"))
        try SafetensorsWriter.write([("c", x)], to: folder("2.safetensors"))
        func index(_ map: String, size: String = "null") throws -> ModelFolderError.Reason? {
            try folder.write(
                #"{"metadata":{"total_size":\#(size)},"weight_map":{\#(map)}}"#.utf8,
                to: "model.safetensors.index.json")
            return try reason(folder.path)
        }
        let right = #""a":"1.safetensors","b":"1.safetensors","c":"2.safetensors""#
        #expect(try index(right) == nil)
        #expect(try index(right, size: "12") == nil)
        #expect(try index(right, size: "12.0") == nil)
        let fileBytes = try ["1", "2"].map {
            try MappedFile(path: folder("\($0).safetensors")).byteCount
        }.reduce(0, +)
        #expect(try index(right, size: "\(fileBytes)") == nil)
        #expect(
            try index(right, size: "13")
                == .totalSize(
                    file: "model.safetensors.index.json", found: 13, weights: 12, files: fileBytes))
        #expect(
            try index(#""a":"1.safetensors","c":"2.safetensors""#)
                == .weightNotInIndex(name: "b", file: "1.safetensors"))
        #expect(
            try index(right + #","d":"2.safetensors""#)
                == .weightMissing(name: "d", file: "2.safetensors"))
        try SafetensorsWriter.write([("b", x), ("c", x)], to: folder("2.safetensors"))
        #expect(
            try index(right)
                == .weightTwice(name: "b", first: "1.safetensors", second: "2.safetensors"))
    }

    @Test("is refused for links that leave it")
    func links() throws {
        let folder = try copy(without: [Self.shards[0]])
        let outside = try TemporaryFolder()
        try outside.write(
            Fixtures.bytes("01-llama-gqa-sharded/\(Self.shards[0])"), to: "x.safetensors")
        #expect(symlink(outside("x.safetensors"), folder(Self.shards[0])) == 0)
        #expect(try reason(folder.path) == .leavesFolder(file: Self.shards[0]))
        let other = try copy(without: ["config.json"])
        #expect(symlink("/etc/passwd", other("config.json")) == 0)
        #expect(try reason(other.path) == .leavesFolder(file: "config.json"))
        // A folder beside this one whose name starts with the name of this one.
        let near = try copy(without: ["config.json"])
        let beside = near.path + "x"
        #expect(mkdir(beside, 0o700) == 0)
        defer { rmdir(beside) }
        #expect(symlink(beside, near("config.json")) == 0)
        #expect(try reason(near.path) == .leavesFolder(file: "config.json"))
    }

    @Test("is refused for pipes and folders in the place of files, without waiting")
    func notFiles() throws {
        let folder = try copy(without: ["config.json"])
        #expect(mkfifo(folder("config.json"), 0o600) == 0)
        #expect(try reason(folder.path) == .notAFile("config.json"))
        let other = try copy(without: [Self.shards[0]])
        #expect(mkdir(other(Self.shards[0]), 0o700) == 0)
        #expect(try reason(other.path) == .notAFile(Self.shards[0]))
    }

    @Test("may be a snapshot of the Hugging Face cache, whose links stay in the model's part")
    func snapshot() throws {
        let cache = try TemporaryFolder()
        for name in [
            "models--a--b", "models--a--b/blobs", "models--a--b/snapshots",
            "models--a--b/snapshots/main", "models--a--c",
        ] { #expect(mkdir(cache(name), 0o700) == 0) }
        let model = "models--a--b/snapshots/main"
        for (number, name) in (Self.shards + ["config.json", "model.safetensors.index.json"])
            .enumerated()
        {
            try cache.write(
                Fixtures.bytes("01-llama-gqa-sharded/\(name)"), to: "models--a--b/blobs/\(number)")
            #expect(symlink("../../blobs/\(number)", cache("\(model)/\(name)")) == 0)
        }
        let folder = try ModelFolder(path: cache(model))
        #expect(folder.names.count == 39)
        #expect(try folder.tensor("lm_head.weight").shape == [320, 96])
        try cache.write("{}".utf8, to: "models--a--c/config.json")
        #expect(unlink(cache("\(model)/config.json")) == 0)
        #expect(symlink("../../../models--a--c/config.json", cache("\(model)/config.json")) == 0)
        #expect(try reason(cache(model)) == .leavesFolder(file: "config.json"))
        #expect(unlink(cache("models--a--b/blobs/0")) == 0)
        #expect(unlink(cache("\(model)/config.json")) == 0)
        #expect(symlink("../../blobs/3", cache("\(model)/config.json")) == 0)
        #expect(try reason(cache(model)) == .missingShards([Self.shards[0]], of: 3))
    }

    @Test("with pickles alone is refused, and so is a pickle")
    func pickles() throws {
        let folder = try TemporaryFolder()
        try folder.write("{}".utf8, to: "config.json")
        let path = try folder.write([0x50, 0x4B, 3, 4, 0, 0], to: "pytorch_model.bin")
        #expect(throws: CheckpointError.pickle(path: path)) { try ModelFolder(path: folder.path) }
        #expect(throws: CheckpointError.pickle(path: path)) { try Checkpoint.open(path) }
        let zip = try folder.write([0x50, 0x4B, 3, 4, 0, 0], to: "renamed")
        #expect(throws: CheckpointError.pickle(path: zip)) { try Checkpoint.open(zip) }
        let bare = try folder.write([0x80, 2, 0x7D], to: "renamed2")
        #expect(throws: CheckpointError.pickle(path: bare)) { try Checkpoint.open(bare) }
        #expect(CheckpointError.pickle(path: "a").description.contains("pickle is never loaded"))
    }
}

@Suite("Opening a checkpoint")
struct CheckpointTests {
    @Test("tells a GGUF file by its content or its name")
    func gguf() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Fixtures.bytes("15-gguf-llama-q8_0/model.gguf"), to: "model.bin")
        guard case .gguf(let file) = try Checkpoint.open(path) else {
            Issue.record("was not opened as GGUF")
            return
        }
        #expect(file.names.count == 20)
        #expect(throws: GGUFError.self) {
            try Checkpoint.open(try folder.write([1, 2, 3], to: "a.gguf"))
        }
    }

    @Test("says what it found instead of a checkpoint")
    func others() throws {
        let folder = try TemporaryFolder()
        #expect(throws: CheckpointError.self) { try Checkpoint.open(folder("none")) }
        #expect(throws: CheckpointError.self) { try Checkpoint.open("/dev/null") }
        #expect(throws: CheckpointError.self) {
            try Checkpoint.open(try folder.write([], to: "empty"))
        }
        #expect(throws: CheckpointError.self) {
            try Checkpoint.open(try folder.write(safetensors("{}"), to: "a.safetensors"))
        }
    }

    @Test("refuses one part of a model in several GGUF files")
    func split() throws {
        let folder = try TemporaryFolder()
        var bytes = GGUFBytes()
        bytes.pair("split.no", type: 2, value: [1, 0])
        bytes.pair("split.count", type: 2, value: [3, 0])
        let path = try folder.write(bytes.bytes, to: "a.gguf")
        #expect(throws: GGUFError(path, .split(part: 2, count: 3))) { try Checkpoint.open(path) }
    }
}

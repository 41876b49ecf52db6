import FathomHub
import Testing

@Suite("Pulling from an honest hub")
struct PullTests {
    @Test("a folder arrives whole, with progress that reaches its total")
    func pullsFolder() async throws {
        let hub = FakeHub.tiny()
        try await withHub(hub) { server, _, store in
            let log = ProgressLog()
            let location = try await store.pull("owner/tiny", progress: log.add)
            #expect(location.format == .folder)
            #expect(
                Disk.files(below: location.path)
                    == ["config.json", "model.safetensors", "tokenizer.json"])
            for name in Disk.files(below: location.path) {
                #expect(try Disk.read("\(location.path)/\(name)") == hub.content(name), "\(name)")
            }
            #expect(log.stages.first == .resolving)
            #expect(log.stages.last == .finished)
            let downloads = log.all.filter {
                if case .downloading = $0.stage { true } else { false }
            }
            #expect(downloads.last?.completedBytes == Int64(300_024))
            #expect(downloads.allSatisfy { $0.totalBytes == 300_024 })
            let bytes = downloads.map(\.completedBytes)
            #expect(bytes == bytes.sorted())
            #expect(log.notices.isEmpty)
            // The list, then each file once, pinned to the commit.
            #expect(server.requests.count == 4)
            #expect(
                server.requests.first?.target == "/api/models/owner/tiny/revision/main?blobs=true")
            #expect(server.requests.allSatisfy { $0.headers["accept-encoding"] == "identity" })
            #expect(server.requests.allSatisfy { $0.headers["authorization"] == nil })
        }
    }

    @Test("the embedder of the catalogue comes from the hub, with how it pools, before the wheel")
    func pullsEmbedder() async throws {
        func text(_ path: String, _ content: String) -> FakeHub.File {
            .init(path: path, content: Array(content.utf8), isLarge: false)
        }
        let hub = FakeHub(
            repository: "sentence-transformers/all-MiniLM-L6-v2",
            files: [
                text(".gitattributes", "*.bin filter=lfs"), text("README.md", "# all-MiniLM-L6-v2"),
                text("1_Pooling/config.json", #"{"pooling_mode_mean_tokens": true}"#),
                text("config.json", #"{"model_type": "bert"}"#),
                text("config_sentence_transformers.json", "{}"), text("modules.json", "[]"),
                .init(path: "model.safetensors", content: Array(repeating: 7, count: 5000)),
                .init(path: "onnx/model.onnx", content: [1]),
                .init(path: "pytorch_model.bin", content: [2]),
                text("sentence_bert_config.json", #"{"max_seq_length": 256}"#),
                text("special_tokens_map.json", "{}"), text("tokenizer.json", "{}"),
                text("tokenizer_config.json", "{}"), text("train_script.py", "pass"),
                text("vocab.txt", "[PAD]"),
            ])
        try await withHub(hub) { server, _, store in
            let standard = ModelStore(settings: store.settings, catalogue: .standard)
            let location = try await standard.pull("minilm")
            #expect(location.format == .folder)
            #expect(
                Disk.files(below: location.path) == [
                    "1_Pooling/config.json", "config.json", "model.safetensors",
                    "sentence_bert_config.json", "special_tokens_map.json", "tokenizer.json",
                    "tokenizer_config.json",
                ])
            for name in Disk.files(below: location.path) {
                #expect(try Disk.read("\(location.path)/\(name)") == hub.content(name), "\(name)")
            }
            #expect(server.requests.count == 8)
            #expect(try standard.locate(Catalogue.defaultEmbedderName) == location)
            #expect(try standard.list().map(\.name) == ["all-MiniLM-L6-v2"])
        }
    }

    @Test("what is there is not asked for again, and a refresh fetches only what changed")
    func pullsOnce() async throws {
        try await withHub(.tiny()) { server, _, store in
            #expect(try store.locate("owner/tiny") == nil)
            let first = try await store.pull("owner/tiny")
            let count = server.requests.count
            #expect(try await store.pull("owner/tiny") == first)
            #expect(try store.locate("owner/tiny") == first)
            #expect(server.requests.count == count)
            #expect(try await store.pull("owner/tiny", isRefreshing: true) == first)
            #expect(server.requests.count == count + 1)
        }
    }

    @Test("a newer commit replaces the older one once it is whole")
    func refreshes() async throws {
        let home = TemporaryFolder()
        var hub = FakeHub.tiny()
        let old = try await LoopbackServer.with({ [hub] in hub.answer($0) }) { server in
            try await ModelStore(settings: .quick(home, endpoint: server.address))
                .pull("owner/tiny")
        }
        hub.commit = String(FakeHub.commit.reversed())
        hub.files[2] = .init(path: "model.safetensors", content: Array("new".utf8))
        let new = try await LoopbackServer.with({ [hub] in hub.answer($0) }) { server in
            let store = ModelStore(settings: .quick(home, endpoint: server.address))
            return try await store.pull("owner/tiny", isRefreshing: true)
        }
        #expect(new.path != old.path)
        #expect(try Disk.read("\(new.path)/model.safetensors") == Array("new".utf8))
        #expect(!Disk.exists(old.path))
    }

    @Test("one GGUF of a repository is pulled, found and removed by itself")
    func pullsGGUF() async throws {
        let hub = FakeHub(files: [
            .init(path: "m-Q4_0.gguf", content: [1, 2, 3]),
            .init(path: "m-Q8_0.gguf", content: [4, 5, 6, 7]),
        ])
        try await withHub(hub) { server, _, store in
            let q4 = try await store.pull("hf.co/owner/tiny:Q4_0")
            #expect(q4.format == .gguf && q4.path.hasSuffix("/m-Q4_0.gguf"))
            #expect(try Disk.read(q4.path) == [1, 2, 3])
            #expect(try store.locate("owner/tiny:Q8_0") == nil)
            #expect(try store.locate("owner/tiny") == nil)
            let q8 = try await store.pull("owner/tiny:m-Q8_0.gguf")
            #expect(try Disk.read(q8.path) == [4, 5, 6, 7])
            #expect(
                try store.list().map(\.name) == [
                    "owner/tiny:m-Q4_0.gguf", "owner/tiny:m-Q8_0.gguf",
                ])
            #expect(try store.remove("owner/tiny:Q4_0") == 3)
            #expect(try store.locate("owner/tiny:Q4_0") == nil)
            #expect(try store.locate("owner/tiny:Q8_0") == q8)
            #expect(try store.remove("owner/tiny:Q8_0") >= 4)
            #expect(try store.list().isEmpty)
        }
    }

    @Test("pinned files are fetched from their commit without asking for a list")
    func pullsPinned() async throws {
        let content = Array("GGUF and more".utf8)
        let hub = FakeHub(files: [.init(path: "m.gguf", content: content)])
        try await withHub(hub) { server, _, store in
            let entry = CatalogueEntry(
                name: "Pinned", summary: "s", licence: "l", parameters: "1", format: .gguf,
                approximateBytes: 13,
                sources: [
                    .hub(
                        repository: try RepositoryName("owner/tiny", revision: FakeHub.commit),
                        files: .pinned([
                            .init(path: "m.gguf", bytes: 13, sha256: FakeHub.sha256(content))
                        ]))
                ])
            let store = ModelStore(
                settings: store.settings, catalogue: Catalogue(entries: [entry]))
            let location = try await store.pull("pinned")
            #expect(location.format == .gguf)
            #expect(try Disk.read(location.path) == content)
            #expect(server.requests.count == 1)
            #expect(try store.list().map(\.name) == ["Pinned"])
        }
    }

    @Test("two pulls of one model at once download it once")
    func pullsConcurrently() async throws {
        let hub = FakeHub.tiny()
        // Slow enough for the others to come while the first one works.
        let script: @Sendable (LoopbackServer.Request, FakeHub) -> [LoopbackServer.Action]? = {
            $0.path.hasSuffix(".safetensors") ? [.pause(milliseconds: 60)] + $1.answer($0) : nil
        }
        try await withHub(hub, script: script) { server, _, store in
            let logs = (0..<4).map { _ in ProgressLog() }
            let places = try await withThrowingTaskGroup(of: ModelLocation.self) { group in
                for log in logs {
                    group.addTask { try await store.pull("owner/tiny", progress: log.add) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(places).count == 1)
            #expect(
                try Disk.read(places[0].path + "/model.safetensors")
                    == hub.content("model.safetensors"))
            #expect(server.requests.count == 4)
            #expect(logs.filter { $0.stages.contains(.waiting) }.count >= 1)
        }
    }

    @Test("the token goes to the hub, and only over encryption or to this machine")
    func sendsToken() async throws {
        try await withHub(.tiny()) { server, folder, store in
            var settings = store.settings
            settings.token = "hf_secret"
            _ = try await ModelStore(settings: settings).pull("owner/tiny")
            #expect(
                server.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        }
        let folder = TemporaryFolder()
        let hub = FakeHub.tiny()
        try await LoopbackServer.with({ hub.answerAsProxy($0) }) { proxy in
            var settings = HubSettings.quick(folder, endpoint: "http://mirror.invalid")
            settings.proxies.http = proxy.address
            settings.token = "hf_secret"
            let log = ProgressLog()
            _ = try await ModelStore(settings: settings).pull("owner/tiny", progress: log.add)
            #expect(proxy.requests.allSatisfy { $0.headers["authorization"] == nil })
            #expect(log.notices.contains { $0.contains("HF_TOKEN is not sent") })
        }
    }
}

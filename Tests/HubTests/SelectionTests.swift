import FathomHub
import Testing

@Suite("Choosing files of a repository")
struct SelectionTests {
    private func listing(_ paths: [String]) throws -> RepositoryListing {
        let siblings = paths.map { #"{"rfilename":"\#($0)","size":1}"# }.joined(separator: ",")
        return try RepositoryListing(
            Array(#"{"sha":"\#(FakeHub.commit)","siblings":[\#(siblings)]}"#.utf8),
            repository: "o/r")
    }

    private func choose(_ wanted: HubFiles, _ paths: [String]) throws -> FileSelection {
        try FileSelection(wanted, of: try listing(paths), repository: "o/r")
    }

    @Test("a folder model is its configuration, tokenizer and safetensors, small files first")
    func choosesFolder() throws {
        let chosen = try choose(
            .folder,
            [
                "model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors", "README.md",
                "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json",
                "tokenizer.model", "config.json", "generation_config.json", "chat_template.jinja",
                "pytorch_model.bin", "consolidated.safetensors", "onnx/model.onnx", "a.gguf",
                "original/model.safetensors", "modeling_deepseek.py", "tokenizer.pkl",
                ".gitattributes", "1_Pooling/config.json", "2_Normalize/config.json",
            ])
        #expect(chosen.model == ".")
        #expect(
            chosen.files.map(\.path) == [
                "1_Pooling/config.json", "chat_template.jinja", "config.json",
                "generation_config.json",
                "model.safetensors.index.json", "tokenizer.json", "tokenizer.model",
                "tokenizer_config.json", "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ])
    }

    @Test("pickles are refused by name, and nothing else is taken for a model")
    func refuses() async throws {
        let pickles = try await hubError {
            try choose(.folder, ["config.json", "pytorch_model.bin", "training_args.pt"])
        }
        #expect(
            pickles
                == .picklesOnly(
                    repository: "o/r", files: ["pytorch_model.bin", "training_args.pt"]))
        #expect(pickles.description.contains("pickle is never loaded"))
        for paths in [["README.md"], [], ["model.safetensors"], ["sub/model.safetensors"]] {
            let error = try await hubError { try choose(.folder, paths) }
            guard case .noModelFiles = error else {
                Issue.record("\(paths): \(error)")
                continue
            }
        }
    }

    @Test("one GGUF file is chosen by path, by tag, or because it is the only one")
    func choosesGGUF() async throws {
        let paths = ["m.Q4_K_M.gguf", "m-Q8_0.gguf", "sub/m-IQ4_K_M.gguf", "config.json"]
        #expect(try choose(.gguf("m-Q8_0.gguf"), paths).model == "m-Q8_0.gguf")
        #expect(try choose(.gguf("q4_k_m"), paths).model == "m.Q4_K_M.gguf")
        #expect(try choose(.gguf("sub/m-IQ4_K_M.gguf"), paths).model == "sub/m-IQ4_K_M.gguf")
        #expect(try choose(.folder, ["only.gguf", "README.md"]).model == "only.gguf")
        let many = try await hubError { try choose(.folder, paths) }
        #expect(
            many
                == .ambiguousFile(
                    repository: "o/r", wanted: "",
                    choices: ["m-Q8_0.gguf", "m.Q4_K_M.gguf", "sub/m-IQ4_K_M.gguf"]))
        let none = try await hubError { try choose(.gguf("Q2_K"), paths) }
        #expect(none == .ambiguousFile(repository: "o/r", wanted: "Q2_K", choices: []))
        let config = try await hubError { try choose(.gguf("config.json"), paths) }
        guard case .ambiguousFile = config else {
            Issue.record("\(config)")
            return
        }
    }

    @Test("a split GGUF is taken whole, whichever part is named")
    func choosesSplit() async throws {
        let parts = (1...3).map { "q/m-Q4-0000\($0)-of-00003.gguf" }
        for wanted in ["Q4", parts[0], parts[2]] {
            let chosen = try choose(.gguf(wanted), parts.reversed() + ["other.gguf"])
            #expect(chosen.model == parts[0])
            #expect(chosen.files.map(\.path) == parts)
        }
        let error = try await hubError { try choose(.gguf("Q4"), [parts[0], parts[1]]) }
        #expect(error.description.contains(parts[2]))
        let huge = try await hubError {
            try choose(.gguf("a-00001-of-99999.gguf"), ["a-00001-of-99999.gguf"])
        }
        #expect(huge.description.contains("99999 parts"))
    }

    @Test(
        "names that leave the folder or meet are refused",
        arguments: [
            ["config.json", "model.safetensors", "tokenizer\\u0000.json"],
            [
                "config.json", "model.safetensors", "mo\\\\del.safetensors.safetensors",
                "..\\u002f.safetensors",
            ],
            ["config.json", "model.safetensors", "Model.safetensors"],
            ["config.json", "model.safetensors", "model.safetensors"],
            ["config.json", ".model.safetensors"],
            ["config.json", "módel.safetensors"],
        ])
    func refusesUnsafeNames(paths: [String]) async throws {
        do {
            let chosen = try choose(.folder, paths)
            // What is not refused must have been passed over as belonging to a folder below.
            for file in chosen.files {
                #expect(!file.path.contains("/") && !file.path.contains("\\"))
            }
            #expect(chosen.files.count < paths.count)
        } catch {
            guard case .unsafeFileName = try #require(error as? HubError) else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("sizes and checksums come from large-file storage first")
    func readsListing() throws {
        let listing = try RepositoryListing(Array(FakeHub.tiny().listing.utf8), repository: "o/r")
        #expect(listing.commit == FakeHub.commit)
        let hub = FakeHub.tiny()
        let weights = try #require(listing.files.first { $0.path == "model.safetensors" })
        #expect(weights.bytes == 300_000)
        #expect(weights.checksum == .sha256(FakeHub.sha256(hub.content("model.safetensors"))))
        let config = try #require(listing.files.first { $0.path == "config.json" })
        guard case .gitBlob = config.checksum else {
            Issue.record("\(config)")
            return
        }
    }

    @Test(
        "an answer that is not a listing is refused",
        arguments: [
            "", "<html>login</html>", "{}", "[]", #"{"sha":"x","siblings":[]}"#,
            #"{"sha":"../../../etc","siblings":[]}"#, #"{"sha":"0123456789","siblings":{}}"#,
            #"{"sha":"0123456789","siblings":[{"size":1}]}"#,
            #"{"sha":"0123456789","siblings":[{"rfilename":"a","size":1e300}]}"#,
            String(repeating: "[", count: 100_000),
        ])
    func refusesListings(json: String) async throws {
        let error = try await hubError {
            try RepositoryListing(Array(json.utf8), repository: "o/r")
        }
        guard case .malformedResponse = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test("only sums of the right form are sums")
    func checksums() {
        let digits = String(repeating: "aB", count: 32)
        #expect(Checksum(sha256: digits)?.hexadecimal == digits.lowercased())
        for text in ["", "sha256:" + digits, String(digits.dropLast()), digits + "0"] {
            #expect(Checksum(sha256: text) == nil, "\(text)")
        }
        #expect(Checksum(gitBlob: String(repeating: "0", count: 40)) != nil)
        #expect(Checksum(gitBlob: digits) == nil)
    }
}

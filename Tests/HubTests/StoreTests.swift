import FathomHub
import Synchronization
import Testing

@Suite("The store on disk")
struct StoreTests {
    @Test("models are listed with what there is to know, and removing frees what it says")
    func listsAndRemoves() async throws {
        try await withHub(.tiny()) { _, folder, store in
            #expect(try store.list().isEmpty)
            let location = try await store.pull("owner/tiny")
            let models = try store.list()
            #expect(models.count == 1)
            #expect(models[0].name == "owner/tiny" && models[0].path == location.path)
            #expect(models[0].bytes == 300_024 && models[0].format == .folder)
            #expect(models[0].source == "the hub repository 'owner/tiny'")
            #expect(models[0].pulledAt > 1_700_000_000)
            let freed = try store.remove("owner/tiny")
            #expect(freed > 300_024 && freed < 310_000)
            #expect(!Disk.exists(location.path))
            #expect(try store.list().isEmpty && store.locate("owner/tiny") == nil)
            #expect(Disk.files(below: folder.path).allSatisfy { $0.hasSuffix(".lock") })
            let again = try await hubError { try store.remove("owner/tiny") }
            #expect(again == .notInstalled("owner/tiny"))
        }
    }

    @Test("two revisions live side by side and are removed one by one")
    func revisions() async throws {
        try await withHub(.tiny()) { _, _, store in
            let main = try await store.pull("owner/tiny")
            let pull = try await store.pull("owner/tiny@refs/pr/1")
            // One commit under two names is there once.
            #expect(main == pull)
            #expect(try store.list().map(\.name) == ["owner/tiny", "owner/tiny@refs/pr/1"])
            try store.remove("owner/tiny")
            #expect(try store.locate("owner/tiny") == nil)
            #expect(try store.locate("owner/tiny@refs/pr/1") == pull)
            try store.remove("owner/tiny@refs/pr/1")
            #expect(!Disk.exists(pull.path))
        }
    }

    @Test("what a broken pull left can be removed")
    func removesParts() async throws {
        try await withHub(
            .tiny(),
            script: { request, hub in
                request.path.hasSuffix(".safetensors")
                    ? FakeHub.cut(hub.answer(request), afterBodyBytes: 1000) : nil
            }
        ) { _, _, store in
            _ = try await hubError { try await store.pull("owner/tiny") }
            #expect(try store.list().isEmpty)
            #expect(try store.remove("owner/tiny") > 3000)
        }
    }

    @Test("a model in use by a pull is not removed")
    func refusesToRemoveDuringPull() async throws {
        let isReached = AsyncStream<Void>.makeStream()
        try await withHub(
            .tiny(),
            script: { request, hub in
                guard request.path.hasSuffix(".safetensors") else { return nil }
                isReached.continuation.yield()
                return [.pause(milliseconds: 200)] + hub.answer(request)
            }
        ) { _, _, store in
            async let location = store.pull("owner/tiny")
            for await _ in isReached.stream { break }
            let error = try await hubError { try store.remove("owner/tiny") }
            #expect(error.description.contains("another process is pulling it"))
            let place = try await location
            #expect(try store.locate("owner/tiny") == place)
        }
    }

    @Test("a missing, shortened or damaged file shows, and a pull repairs what shows")
    func repairs() async throws {
        let hub = FakeHub.tiny()
        try await withHub(hub) { server, _, store in
            let location = try await store.pull("owner/tiny")
            let weights = location.path + "/model.safetensors"
            try store.verify("owner/tiny")
            for change in [{ Disk.remove(weights) }, { try Disk.write([1, 2], to: weights) }]
                as [() throws -> Void]
            {
                try change()
                #expect(try store.locate("owner/tiny") == nil)
                #expect(try store.list().isEmpty)
                let count = server.requests.count
                #expect(try await store.pull("owner/tiny") == location)
                #expect(server.requests.count == count + 2)
                #expect(try Disk.read(weights) == hub.content("model.safetensors"))
            }
            var damaged = hub.content("model.safetensors")
            damaged[200_000] ^= 1
            try Disk.write(damaged, to: weights)
            let error = try await hubError { try store.verify("owner/tiny") }
            guard case .checksumMismatch("model.safetensors", _, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test(
        "manifests and references that are damaged or hostile make the model absent",
        arguments: [
            "", "{", "null", #"{"commit":"../../../../etc"}"#, #"{"commit":1}"#,
            #"{"formatVersion":1,"commit":"\#(FakeHub.commit)","model":".","pulledAt":1,"files":[{"path":"../../x","bytes":1,"sha256":"0"}]}"#,
            #"{"formatVersion":2,"commit":"\#(FakeHub.commit)","model":".","pulledAt":1,"files":[]}"#,
            #"{"formatVersion":1,"commit":"\#(FakeHub.commit)","model":"../x","pulledAt":1,"files":[]}"#,
            String(repeating: "[", count: 100_000),
        ])
    func damagedRecords(text: String) async throws {
        try await withHub(.tiny()) { _, _, store in
            let location = try await store.pull("owner/tiny")
            let records = Disk.files(below: store.home).filter { $0.hasSuffix(".json") }
                .filter { $0.contains("/refs/") || $0.hasSuffix("\(FakeHub.commit).json") }
            #expect(records.count == 2)
            // A reference only needs a commit, so some texts are damage to a manifest alone.
            for record in records where !record.contains("/refs/") || !text.contains(FakeHub.commit)
            {
                try Disk.write(Array(text.utf8), to: "\(store.home)/\(record)")
                #expect(try store.locate("owner/tiny") == nil)
                #expect(try store.list().isEmpty)
                #expect(try await store.pull("owner/tiny") == location)
                #expect(try store.list().count == 1)
            }
        }
    }

    @Test("too little space is found before the first byte, counting what is there")
    func freeSpace() async throws {
        try await withHub(.tiny(weightBytes: 300_000)) { server, _, store in
            var settings = store.settings
            settings.freeBytes = { _ in 64 << 20 }
            let full = ModelStore(settings: settings)
            let error = try await hubError { try await full.pull("owner/tiny") }
            guard case .notEnoughSpace(_, let needed, let free) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(needed == 64 << 20 + 300_024 && free == 64 << 20)
            #expect(error.description.contains("FATHOM_HOME"))
            #expect(server.requests.count == 1)
            settings.freeBytes = { _ in 64 << 20 + 300_024 }
            _ = try await ModelStore(settings: settings).pull("owner/tiny")
        }
    }

    @Test("offline, what is there is found and what is not is not asked for")
    func offline() async throws {
        try await withHub(.tiny()) { server, _, store in
            let location = try await store.pull("owner/tiny")
            let count = server.requests.count
            var settings = store.settings
            settings.isOffline = true
            settings.pipCommands = [["false"]]
            let offline = ModelStore(settings: settings)
            #expect(try await offline.pull("owner/tiny") == location)
            for name in ["owner/other", "smollm2"] {
                let error = try await hubError { try await offline.pull(name) }
                #expect(error == .offline(name))
                #expect(error.description.contains("FATHOM_OFFLINE"))
            }
            #expect(server.requests.count == count)
        }
    }

    @Test("a home that cannot be made is named, and looking makes nothing")
    func unusableHome() async throws {
        let folder = TemporaryFolder()
        try Disk.write([1], to: folder.path + "/file")
        let settings = HubSettings(home: folder.path + "/file/home")
        let store = ModelStore(settings: settings)
        #expect(try store.locate("smollm2") == nil)
        #expect(try store.list().isEmpty)
        let error = try await hubError { try await store.pull("owner/tiny") }
        guard case .fileSystem(_, let path, _, let reason) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(path.hasPrefix(folder.path) && !reason.isEmpty)
        #expect(Disk.files(below: folder.path) == ["file"])
    }

    @Test("missing rights come with the remedy")
    func rights() {
        // Tests may run as root, to whom no folder is closed.
        let error = HubError.fileSystem(
            operation: "make the folder", path: "/x", code: 13, reason: "Permission denied")
        #expect(error.description.contains("set FATHOM_HOME to a folder that may be written to"))
    }

    @Test("a pull writes nothing outside its home and follows no planted link")
    func plantedLink() async throws {
        try await withHub(.tiny()) { _, folder, store in
            _ = try await store.pull("owner/tiny")
            try store.remove("owner/tiny")
            let outside = folder.path + "/outside"
            Disk.makeFolder(outside)
            try Disk.write([1, 2, 3], to: outside + "/precious")
            let models = store.home + "/models/hub/owner/tiny/snapshots"
            Disk.makeFolder(models)
            try Disk.link(models + "/" + FakeHub.commit, to: outside)
            // Removing takes the link away and leaves what it leads to.
            try store.remove("owner/tiny")
            #expect(try Disk.read(outside + "/precious") == [1, 2, 3])
        }
    }

    @Test("an argument is a path where one exists, and pickles are refused")
    func localModels() async throws {
        let folder = TemporaryFolder()
        let store = ModelStore(settings: .quick(folder))
        for name in ["m.gguf", "m.bin", "m.txt"] {
            try Disk.write([1], to: "\(folder.path)/\(name)")
        }
        #expect(try store.localModel(folder.path)?.format == .folder)
        let gguf = try await store.model("\(folder.path)/m.gguf")
        #expect(gguf.format == .gguf && gguf.path.hasSuffix("m.gguf"))
        let pickle = try await hubError { try store.localModel("\(folder.path)/m.bin") }
        #expect(pickle.description.contains("pickle is never loaded"))
        let text = try await hubError { try store.localModel("\(folder.path)/m.txt") }
        guard case .noModelFiles = text else {
            Issue.record("\(text)")
            return
        }
        let missing = try await hubError { try store.localModel("./nothing/here") }
        guard case .fileSystem = missing else {
            Issue.record("\(missing)")
            return
        }
        #expect(try store.localModel("owner/tiny") == nil)
        #expect(try store.localModel("smollm2") == nil)
    }
}

import FathomHub
import FathomTestSupport
import Synchronization
import Testing

@Suite("Going on with broken downloads")
struct ResumeTests {
    typealias Action = LoopbackServer.Action
    typealias Request = LoopbackServer.Request

    @Test("connections that break at random bytes end in identical files", arguments: 0..<6)
    func breaksAtRandom(seed: Int) async throws {
        let hub = FakeHub.tiny(weightBytes: 200_000, seed: UInt64(seed))
        let random = Mutex(SeededGenerator(seed: UInt64(seed)))
        try await withHub(
            hub,
            script: { request, hub in
                guard request.path.hasSuffix(".safetensors") else { return nil }
                let count = random.withLock { Int.random(in: 0..<120_000, using: &$0) }
                return FakeHub.cut(hub.answer(request), afterBodyBytes: count)
            }
        ) { server, _, store in
            var settings = store.settings
            // Bytes got are attempts earned, so that any seed gets through.
            settings.limits.progressBytes = 1
            settings.limits.attempts = 12
            let location = try await ModelStore(settings: settings).pull("owner/tiny")
            #expect(
                try Disk.read(location.path + "/model.safetensors")
                    == hub.content("model.safetensors"))
            let tries = server.requests.filter { $0.path.hasSuffix(".safetensors") }
            #expect(tries.count > 1)
            #expect(tries.dropFirst().contains { ($0.headers["range"] ?? "").hasPrefix("bytes=") })
        }
    }

    @Test(
        "a pull cancelled at a random byte keeps its part, and the next goes on there",
        arguments: 0..<4)
    func cancelledAtRandom(seed: Int) async throws {
        let hub = FakeHub.tiny(weightBytes: 400_000, seed: UInt64(seed))
        var random = SeededGenerator(seed: UInt64(seed) &+ 77)
        let stop = Int.random(in: 1..<399_000, using: &random)
        let isFirst = Mutex(true)
        try await withHub(
            hub,
            script: { request, hub in
                guard request.path.hasSuffix(".safetensors"),
                    isFirst.withLock({ value in
                        defer { value = false }; return value
                    })
                else { return nil }
                return FakeHub.cut(hub.answer(request), afterBodyBytes: stop, then: .hang)
            }
        ) { server, _, store in
            var settings = store.settings
            settings.limits.stallTimeout = .seconds(20)
            let patient = ModelStore(settings: settings)
            // The small files come first: config.json and tokenizer.json.
            let reached = AsyncStream<Void>.makeStream()
            let task = Task {
                try await patient.pull("owner/tiny") { progress in
                    if progress.completedBytes == Int64(24 + stop) { reached.continuation.yield() }
                }
            }
            for await _ in reached.stream { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try store.locate("owner/tiny") == nil)
            let parts = Disk.files(below: store.home).filter { $0.hasSuffix(".part") }
            #expect(parts.count == 1)
            let location = try await store.pull("owner/tiny")
            #expect(server.requests.last?.headers["range"] == "bytes=\(stop)-")
            #expect(
                try Disk.read(location.path + "/model.safetensors")
                    == hub.content("model.safetensors"))
            #expect(!Disk.files(below: store.home).contains { $0.hasSuffix(".part") })
        }
    }

    /// Breaks the first transfer of the weights after 1,000 bytes and scripts the second.
    private func afterABreak(
        _ second: @escaping @Sendable (Request, [UInt8]) -> [Action]?,
        _ body: (LoopbackServer, ModelStore, ProgressLog, FakeHub) async throws -> Void
    ) async throws {
        let hub = FakeHub.tiny(weightBytes: 50_000)
        let count = Mutex(0)
        try await withHub(
            hub,
            script: { request, hub in
                guard request.path.hasSuffix(".safetensors") else { return nil }
                let number = count.withLock { value in
                    value += 1; return value
                }
                if number == 1 {
                    return FakeHub.cut(hub.answer(request), afterBodyBytes: 1000)
                }
                return number == 2 ? second(request, hub.content("model.safetensors")) : nil
            }
        ) { server, _, store in
            try await body(server, store, ProgressLog(), hub)
        }
    }

    /// Pulls after a break and checks the result and the ranges asked for.
    private func expectRecovery(
        asking ranges: [String?], notice: String?,
        _ second: @escaping @Sendable (Request, [UInt8]) -> [Action]?
    ) async throws {
        try await afterABreak(second) { server, store, log, hub in
            let location = try await store.pull("owner/tiny", progress: log.add)
            #expect(
                try Disk.read(location.path + "/model.safetensors")
                    == hub.content("model.safetensors"))
            let asked = server.requests.filter { $0.path.hasSuffix(".safetensors") }
                .map { $0.headers["range"] }
            #expect(asked == ranges)
            if let notice {
                #expect(log.notices.contains { $0.contains(notice) }, "\(log.notices)")
            }
        }
    }

    @Test("an honest server continues, and is asked to only if nothing changed")
    func honest() async throws {
        try await afterABreak({ _, _ in nil }) { server, store, _, hub in
            _ = try await store.pull("owner/tiny")
            let last = try #require(server.requests.last)
            #expect(last.headers["range"] == "bytes=1000-")
            #expect(
                last.headers["if-range"]
                    == "\"\(FakeHub.sha256(hub.content("model.safetensors")))\"")
        }
    }

    @Test("a server that ignores the range is read from the start")
    func ignoresRange() async throws {
        try await expectRecovery(asking: [nil, "bytes=1000-"], notice: "sends it anew") {
            _, content in
            FakeHub.reply("200 OK", ["ETag: \"x\""], content)
        }
    }

    @Test("another entity tag on the continuation starts over")
    func changedTag() async throws {
        try await expectRecovery(
            asking: [nil, "bytes=1000-", nil], notice: "its entity tag has changed"
        ) { request, content in
            FakeHub.serve(
                content,
                .init(
                    method: "GET", target: "", headers: ["range": request.headers["range"] ?? ""]),
                entityTag: "\"other\"")
        }
    }

    @Test(
        "a continuation of another place starts over",
        arguments: [
            "bytes 999-49999/50000", "bytes 1000-49998/50000", "bytes 1000-49999/49999", "nonsense",
        ])
    func wrongRange(range: String) async throws {
        try await expectRecovery(asking: [nil, "bytes=1000-", nil], notice: "starting over") {
            _, content in
            FakeHub.reply(
                "206 Partial Content",
                ["ETag: \"\(FakeHub.sha256(content))\"", "Content-Range: \(range)"],
                Array(content[1000...]))
        }
    }

    @Test("a range the server does not have starts over")
    func notSatisfiable() async throws {
        try await expectRecovery(
            asking: [nil, "bytes=1000-", nil], notice: "no bytes after 1000"
        ) { _, _ in FakeHub.reply("416 Range Not Satisfiable", [], []) }
    }

    @Test("a continuation with right headers and wrong bytes is found out and starts over")
    func wrongBytes() async throws {
        try await expectRecovery(
            asking: [nil, "bytes=1000-", nil], notice: "another checksum"
        ) { request, content in
            FakeHub.serve(
                Array(content.reversed()), request,
                entityTag: "\"\(FakeHub.sha256(content))\"")
        }
    }

    @Test("a part that a crash has damaged is found out and replaced")
    func damagedPart() async throws {
        try await afterABreak({ _, _ in [.close] }) { server, store, log, hub in
            var settings = store.settings
            settings.limits.attempts = 2
            _ = try await hubError { try await ModelStore(settings: settings).pull("owner/tiny") }
            let part = try #require(
                Disk.files(below: store.home).first { $0.hasSuffix(".part") })
            try Disk.write([UInt8](repeating: 0, count: 1000), to: "\(store.home)/\(part)")
            let location = try await store.pull("owner/tiny", progress: log.add)
            #expect(
                try Disk.read(location.path + "/model.safetensors")
                    == hub.content("model.safetensors"))
            #expect(log.notices.contains { $0.contains("another checksum") })
        }
    }

    @Test(
        "a part without conditions, or longer than the file, is thrown away",
        arguments: [true, false])
    func strangePart(isTooLong: Bool) async throws {
        try await afterABreak({ _, _ in [.close] }) { server, store, _, hub in
            var settings = store.settings
            settings.limits.attempts = 2
            _ = try await hubError { try await ModelStore(settings: settings).pull("owner/tiny") }
            let files = Disk.files(below: store.home)
            let part = "\(store.home)/\(try #require(files.first { $0.hasSuffix(".part") }))"
            if isTooLong {
                try Disk.write([UInt8](repeating: 7, count: 50_001), to: part)
            } else {
                Disk.remove(part.dropLast(5) + ".json")
            }
            let before = server.requests.count
            let location = try await store.pull("owner/tiny")
            #expect(server.requests[before...].allSatisfy { $0.headers["range"] == nil })
            #expect(
                try Disk.read(location.path + "/model.safetensors")
                    == hub.content("model.safetensors"))
        }
    }

    @Test("a finished file without a record is checked and kept")
    func adoptsFiles() async throws {
        try await withHub(.tiny()) { server, _, store in
            let location = try await store.pull("owner/tiny")
            Disk.remove(location.path + ".json")
            #expect(try store.locate("owner/tiny") == nil)
            let count = server.requests.count
            #expect(try await store.pull("owner/tiny") == location)
            #expect(server.requests.count == count + 1)
            // But not when its content is not what the list says.
            Disk.remove(location.path + ".json")
            try Disk.write(
                [UInt8](repeating: 1, count: 300_000), to: location.path + "/model.safetensors")
            _ = try await store.pull("owner/tiny")
            #expect(server.requests.count == count + 3)
            try store.verify("owner/tiny")
        }
    }
}

import FathomHub
import Synchronization
import Testing

@Suite("Servers that lie, stall, truncate and redirect")
struct FaultyServerTests {
    typealias Action = LoopbackServer.Action
    typealias Request = LoopbackServer.Request

    /// Pulls with scripted answers for the weights and gives the error and the requests for them.
    private func pull(
        stallTimeout: Duration = .seconds(10),
        _ script: @escaping @Sendable (Request, [UInt8]) -> [Action]?
    ) async throws -> (error: HubError, requests: [Request]) {
        try await withHub(
            .tiny(weightBytes: 20_000),
            script: { request, hub in
                guard request.path.hasSuffix(".safetensors") else { return nil }
                return script(request, hub.content("model.safetensors"))
            }
        ) { server, _, store in
            var settings = store.settings
            settings.limits.stallTimeout = stallTimeout
            let error = try await hubError {
                try await ModelStore(settings: settings).pull("owner/tiny")
            }
            #expect(try store.locate("owner/tiny") == nil)
            return (error, server.requests.filter { $0.path.hasSuffix(".safetensors") })
        }
    }

    @Test("a transfer that always breaks is given up after the allowed attempts")
    func truncates() async throws {
        let (error, requests) = try await pull { request, content in
            FakeHub.cut(FakeHub.serve(content, request), afterBodyBytes: 10)
        }
        guard case .connectionLost(_, let received, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(requests.count == 3 && received == 30)
        #expect(error.description.contains("goes on where it stopped"))
    }

    @Test("a chunked body that ends early is a broken transfer, not a short file")
    func truncatesChunked() async throws {
        let (error, requests) = try await pull { _, content in
            FakeHub.head("200 OK", ["Transfer-Encoding: chunked"])
                + [.send(Array("3\r\nabc\r\n0\r\n\r\n".utf8))]
        }
        guard case .connectionLost = error else {
            Issue.record("\(error)")
            return
        }
        #expect(requests.count == 3)
    }

    @Test("a transfer that stands still is given up", arguments: [0, 5000])
    func stalls(bytes: Int) async throws {
        let (error, requests) = try await pull(stallTimeout: .seconds(1)) { request, content in
            let actions = FakeHub.serve(content, request)
            return FakeHub.cut(actions, afterBodyBytes: bytes, then: .hang)
        }
        guard case .stalled(_, 1, let received) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(requests.count == 3 && received == Int64(3 * bytes))
    }

    @Test("a transfer that drips is given up though it never stands still")
    func drips() async throws {
        let (error, _) = try await pull(stallTimeout: .milliseconds(500)) { request, content in
            FakeHub.head("200 OK", ["Content-Length: 20000"])
                + (0..<200).flatMap { _ -> [Action] in [.send([1]), .pause(milliseconds: 20)] }
        }
        guard case .stalled = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test(
        "a length other than the listed one is refused before the body is read",
        arguments: [19_999, 20_001])
    func liesOnLength(length: Int) async throws {
        let (error, requests) = try await pull { _, content in
            FakeHub.head("200 OK", ["Content-Length: \(length)"]) + [.hang]
        }
        #expect(
            error
                == .sizeMismatch(file: "model.safetensors", expected: 20_000, found: Int64(length)))
        #expect(requests.count == 1)
    }

    @Test("a body longer than listed is cut off and thrown away")
    func sendsTooMuch() async throws {
        let (error, _) = try await pull { _, content in
            FakeHub.head("200 OK", ["Transfer-Encoding: chunked"])
                + [.send(Array("4e21\r\n".utf8) + content + [1] + Array("\r\n0\r\n\r\n".utf8))]
        }
        guard case .sizeMismatch(_, 20_000, let found) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(found > 20_000)
    }

    @Test("wrong bytes are named with both sums and thrown away")
    func wrongChecksum() async throws {
        let (error, requests) = try await pull { _, content in
            FakeHub.reply("200 OK", [], content.reversed())
        }
        let content = FakeHub.tiny(weightBytes: 20_000).content("model.safetensors")
        #expect(
            error
                == .checksumMismatch(
                    file: "model.safetensors", expected: FakeHub.sha256(content),
                    found: FakeHub.sha256(content.reversed())))
        #expect(requests.count == 1)
    }

    @Test("a small file is held against Git's sum")
    func wrongGitChecksum() async throws {
        try await withHub(
            .tiny(),
            script: { request, _ in
                request.path.hasSuffix("config.json")
                    ? FakeHub.reply("200 OK", [], Array(#"{"model_type":"evil!"}"#.utf8)) : nil
            }
        ) { _, _, store in
            let error = try await hubError { try await store.pull("owner/tiny") }
            guard case .checksumMismatch("config.json", _, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("a compressed body is refused")
    func compressed() async throws {
        let (error, _) = try await pull { _, content in
            FakeHub.reply("200 OK", ["Content-Encoding: gzip"], content)
        }
        #expect(error == .encodedBody(file: "model.safetensors", encoding: "gzip"))
    }

    @Test(
        "statuses become errors that say what to do",
        arguments: [
            ("401 Unauthorized", "set HF_TOKEN", 1), ("403 Forbidden", "set HF_TOKEN", 1),
            ("404 Not Found", "check the spelling", 1), ("410 Gone", "check the spelling", 1),
            ("416 Range Not Satisfiable", "status 416", 1), ("418 Teapot", "status 418", 1),
            ("206 Partial Content", "status 206", 1), ("204 No Content", "status 204", 1),
            ("500 Internal Server Error", "status 500", 3),
            ("503 Service Unavailable", "status 503", 3),
            ("429 Too Many Requests", "refuses further requests", 3),
        ])
    func statuses(status: String, text: String, attempts: Int) async throws {
        let (error, requests) = try await pull { _, _ in FakeHub.reply(status, [], []) }
        #expect(error.description.contains(text), "\(error)")
        #expect(requests.count == attempts)
    }

    @Test("a refused token is not asked for again")
    func refusedToken() async throws {
        try await withHub(.tiny(), script: { _, _ in FakeHub.reply("401 Unauthorized", [], []) }) {
            _, _, store in
            var settings = store.settings
            settings.token = "hf_secret"
            let error = try await hubError {
                try await ModelStore(settings: settings).pull("owner/tiny")
            }
            #expect(error == .accessDenied(repository: "owner/tiny", status: 401, sentToken: true))
            #expect(error.description.contains("accept the terms"))
            #expect(!error.description.contains("hf_secret"))
        }
    }

    @Test(
        "a busy server is tried again, after the wait it names",
        arguments: [
            ("503 Service Unavailable", [String]()), ("429 Too Many Requests", ["Retry-After: 0"]),
            ("503 Service Unavailable", ["Retry-After: 0"]), ("502 Bad Gateway", []),
        ])
    func recovers(status: String, headers: [String]) async throws {
        let count = Mutex(0)
        try await withHub(
            .tiny(),
            script: { _, _ in
                count.withLock { value in
                    value += 1; return value
                }.isMultiple(of: 2)
                    ? nil : FakeHub.reply(status, headers, [])
            }
        ) { server, _, store in
            let log = ProgressLog()
            _ = try await store.pull("owner/tiny", progress: log.add)
            #expect(server.requests.count == 8)
            #expect(log.notices.filter { $0.hasSuffix("trying again") }.count == 4)
        }
    }

    @Test("a wait of an hour is reported instead of kept")
    func longWait() async throws {
        let (error, requests) = try await pull { _, _ in
            FakeHub.reply("429 Too Many Requests", ["Retry-After: 3600"], [])
        }
        guard case .rateLimited(_, 3600) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(requests.count == 1 && error.description.contains("3600 seconds"))
    }

    @Test("redirects in a circle end", arguments: ["/owner/tiny/resolve/x.safetensors", ""])
    func redirectLoop(location: String) async throws {
        let (error, _) = try await pull { request, _ in
            FakeHub.reply(
                "302 Found", ["Location: \(location.isEmpty ? request.path : location)"], [])
        }
        #expect(error == .tooManyRedirects(file: "model.safetensors", limit: 8))
    }

    @Test(
        "redirects to nowhere or to something else than HTTP are refused",
        arguments: [
            [], ["Location: file:///etc/passwd"], ["Location: http://"],
            ["Location: http://u:p@h/"],
        ])
    func badRedirect(headers: [String]) async throws {
        let (error, requests) = try await pull { _, _ in FakeHub.reply("302 Found", headers, []) }
        switch error {
        case .unsafeRedirect, .malformedResponse: break
        default: Issue.record("\(error)")
        }
        #expect(requests.count == 1)
    }

    @Test("another host gets the file's request without the token, and cannot send it back with it")
    func crossHostRedirect() async throws {
        let hub = FakeHub.tiny(weightBytes: 20_000)
        let content = hub.content("model.safetensors")
        let home = TemporaryFolder()
        let hubAddress = Mutex("")
        // The other host sends every second request back to the hub.
        let visits = Mutex(0)
        let storage: LoopbackServer.Script = { request in
            visits.withLock { value in
                value += 1; return value
            } == 1
                ? FakeHub.reply(
                    "307 Temporary Redirect",
                    ["Location: \(hubAddress.withLock { $0 })/back.safetensors"], [])
                : FakeHub.serve(content, request)
        }
        try await LoopbackServer.with(storage) { storage in
            let script: LoopbackServer.Script = { request in
                switch request.path {
                case "/back.safetensors":
                    FakeHub.reply("302 Found", ["Location: \(storage.address)/signed?key=1"], [])
                case _ where request.path.hasSuffix("/model.safetensors"):
                    // The hub first moves within itself: the token stays.
                    FakeHub.reply("307 Temporary Redirect", ["Location: /moved.safetensors"], [])
                case "/moved.safetensors":
                    FakeHub.reply(
                        "302 Found",
                        [
                            "Location: \(storage.address)/signed?key=1",
                            "X-Linked-ETag: \"linked\"", "X-Linked-Size: 20000",
                        ], [])
                default: hub.answer(request)
                }
            }
            try await LoopbackServer.with(script) { server in
                hubAddress.withLock { $0 = server.address }
                var settings = HubSettings.quick(home, endpoint: server.address)
                settings.token = "hf_secret"
                let location = try await ModelStore(settings: settings).pull("owner/tiny")
                #expect(try Disk.read(location.path + "/model.safetensors") == content)
                #expect(storage.requests.count == 2)
                #expect(storage.requests.allSatisfy { $0.headers["authorization"] == nil })
                for request in server.requests {
                    let isBack = request.path == "/back.safetensors"
                    #expect(
                        request.headers["authorization"] == (isBack ? nil : "Bearer hf_secret"),
                        "\(request.path)")
                }
                #expect(server.requests.contains { $0.path == "/back.safetensors" })
            }
        }
    }

    @Test(
        "what is not HTTP is refused",
        arguments: [
            "hello\r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 200_000) + "\r\n\r\n",
        ])
    func notHTTP(answer: String) async throws {
        let (error, _) = try await pull { _, _ in [.send(Array(answer.utf8)), .close] }
        switch error {
        case .malformedResponse, .connectionLost, .unreachable: break
        default: Issue.record("\(error)")
        }
    }

    @Test("a list without end is cut off")
    func endlessListing() async throws {
        try await withHub(
            .tiny(),
            script: { _, _ in
                FakeHub.head("200 OK", ["Transfer-Encoding: chunked"])
                    + [Action](
                        repeating: .send(Array("8\r\n        \r\n".utf8)), count: 5000) + [.hang]
            }
        ) { _, _, store in
            var settings = store.settings
            settings.limits.listingBytes = 10_000
            let error = try await hubError {
                try await ModelStore(settings: settings).pull("owner/tiny")
            }
            guard case .malformedResponse(_, let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason.contains("longer than 10000 bytes"))
        }
    }

    @Test("a listing that names files outside its folder is refused and writes nothing")
    func traversalInListing() async throws {
        let listing =
            #"{"sha":"\#(FakeHub.commit)","siblings":[{"rfilename":"config.json"},"#
            + #"{"rfilename":"tokenizer/../../../x.json"},{"rfilename":"..safetensors"},"#
            + #"{"rfilename":"m.safetensors"}]}"#
        try await withHub(
            .tiny(), script: { _, _ in FakeHub.reply("200 OK", [], Array(listing.utf8)) }
        ) { server, folder, store in
            let error = try await hubError { try await store.pull("owner/tiny") }
            guard case .unsafeFileName(_, "..safetensors", _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(server.requests.count == 1)
            #expect(Disk.files(below: folder.path).allSatisfy { $0.hasSuffix(".lock") })
        }
    }

    @Test("a hub that is not there is named within one attempt")
    func unreachable() async throws {
        let folder = TemporaryFolder()
        let port = try await LoopbackServer.unusedPort()
        let store = ModelStore(settings: .quick(folder, endpoint: "http://127.0.0.1:\(port)"))
        let error = try await hubError { try await store.pull("owner/tiny") }
        guard case .unreachable("http://127.0.0.1:\(port)", _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.description.contains("HF_ENDPOINT"))
    }
}

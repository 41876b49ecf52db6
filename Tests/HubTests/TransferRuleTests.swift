import FathomHub
import Testing

@Suite("Rules of transfers")
struct TransferRuleTests {
    @Test(
        "addresses are http or https with a host and no login",
        arguments: [
            "", "x", "ftp://h/", "file:///etc/passwd", "http://", "http:///x", "https://user@h/",
            "https://user:secret@h/", "http://h:0/", "http://h:99999/", "http://h /",
            "http://h/\u{7F}",
            "javascript:alert(1)", "http://h/\r\nX: 1",
            "https://h/" + String(repeating: "a", count: 17_000),
        ])
    func refusesAddresses(text: String) {
        #expect(Address(text) == nil)
    }

    @Test("components are encoded, and hosts and ports make the origin")
    func addresses() throws {
        let base = try #require(Address("https://Hub.example/mirror/"))
        let file = base.appending(
            ["o", "r", "resolve", "refs/pr/1", "a b?#%é.gguf"], query: "?x=1")
        #expect(
            file?.text
                == "https://Hub.example/mirror/o/r/resolve/refs%2Fpr%2F1/a%20b%3F%23%25%C3%A9.gguf?x=1"
        )
        #expect(file?.description == "https://hub.example")
        func origin(_ text: String) throws -> Bool {
            base.hasSameOrigin(as: try #require(Address(text)))
        }
        #expect(try origin("https://hub.example:443/x"))
        #expect(try !origin("https://hub.example:444/x"))
        #expect(try !origin("http://hub.example/x"))
        #expect(try !origin("https://cdn.hub.example/x"))
        #expect(try #require(Address("http://localhost:1")).isLoopback)
        #expect(try #require(Address("http://127.0.0.1:1")).isLoopback)
        #expect(!base.isLoopback)
    }

    @Test("redirects may not leave encryption or HTTP")
    func redirectTargets() async throws {
        let secure = try #require(Address("https://hub.example/a/b"))
        func target(_ location: String) throws -> String {
            try HTTPTransport.target(of: location, from: secure, file: "f").text
        }
        #expect(try target("/c?d=1") == "https://hub.example/c?d=1")
        #expect(try target("//cdn.example/c") == "https://cdn.example/c")
        for location in [
            "http://hub.example/a", "file:///etc/passwd", "data:,x", "", "http://[::1",
        ] {
            let error = try await hubError { try target(location) }
            guard case .unsafeRedirect = error else {
                // An empty reference means the same address, which the count of hops ends.
                #expect(location.isEmpty, "\(location): \(error)")
                continue
            }
        }
        let plain = try #require(Address("http://127.0.0.1:8/"))
        #expect(
            try HTTPTransport.target(of: "https://h/x", from: plain, file: "f").text
                == "https://h/x")
    }

    @Test(
        "Content-Range is read strictly",
        arguments: [
            ("bytes 0-9/10", 0, 9, 10), ("bytes 5-9/10", 5, 9, 10), ("bytes 5-5/*", 5, 5, nil),
        ] as [(String, Int64, Int64, Int64?)])
    func readsRanges(text: String, first: Int64, last: Int64, total: Int64?) {
        let range = ContentRange(text)
        #expect(range?.first == first && range?.last == last && range?.total == total)
    }

    @Test(
        "nonsense in Content-Range is no range",
        arguments: [
            "", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "bytes -5/10",
            "items 0-9/10",
            "bytes 0-99999999999999999999/10", "bytes 0-9", "bytes 0-9/10/11",
        ])
    func refusesRanges(text: String) {
        #expect(ContentRange(text) == nil)
    }

    @Test("waits double up to the longest, and the attempts are bounded")
    func retries() {
        var limits = TransferLimits()
        limits.attempts = 6
        limits.firstWait = .seconds(1)
        limits.longestWait = .seconds(5)
        var retry = Retry(limits)
        let fault = HubError.connectionLost(file: "f", receivedBytes: 0, reason: "")
        for longest in [1, 2, 4, 5, 5] {
            let wait = retry.wait(after: fault, newBytes: 0)
            #expect(wait.map { $0 >= .seconds(longest) * 0.5 && $0 <= .seconds(longest) } == true)
        }
        #expect(retry.wait(after: fault, newBytes: 0) == nil)
        #expect(retry.wait(after: fault, newBytes: limits.progressBytes) != nil)
        #expect(retry.wait(after: .notFound("x"), newBytes: 0) == nil)
    }

    @Test("a server's own wait is kept, unless it is longer than a person would wait")
    func retryAfter() {
        var retry = Retry(TransferLimits())
        #expect(
            retry.wait(after: .rateLimited(host: "h", retryAfterSeconds: 7), newBytes: 0)
                == .seconds(7))
        #expect(
            retry.wait(after: .rateLimited(host: "h", retryAfterSeconds: 3600), newBytes: 0) == nil)
    }
}

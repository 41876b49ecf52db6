import FathomHub
import Testing

@Suite("Settings")
struct SettingsTests {
    @Test(
        "the folder comes from the first variable that names one",
        arguments: [
            (["FATHOM_HOME": "/f", "XDG_CACHE_HOME": "/x", "HOME": "/h"], "/f"),
            (["FATHOM_HOME": "/f/🐟 a//", "HOME": "/h"], "/f/🐟 a"),
            (["FATHOM_HOME": "", "XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/fathom"),
            (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/fathom"),
            (["HOME": "/h"], "/h/.cache/fathom"),
        ])
    func findsHome(environment: [String: String], home: String) throws {
        #expect(try HubSettings(environment: environment).home == home)
    }

    @Test("a relative folder starts at the current one")
    func relativeHome() throws {
        let home = try HubSettings(environment: ["FATHOM_HOME": "models"]).home
        #expect(home.hasPrefix("/") && home.hasSuffix("/models"))
    }

    @Test("without any folder the error names the variables")
    func noHome() async throws {
        let error = try await hubError { try HubSettings(environment: [:]) }
        #expect(error.description.contains("HOME"))
        #expect(error.description.contains("FATHOM_HOME"))
    }

    @Test(
        "either variable turns the network off",
        arguments: [
            ("FATHOM_OFFLINE", "1", true), ("HF_HUB_OFFLINE", "yes", true),
            ("HF_HUB_OFFLINE", "True", true), ("FATHOM_OFFLINE", "0", false),
            ("FATHOM_OFFLINE", "", false),
        ])
    func offline(variable: String, value: String, isOffline: Bool) throws {
        let settings = try HubSettings(environment: ["HOME": "/h", variable: value])
        #expect(settings.isOffline == isOffline)
    }

    @Test("an endpoint that is no address and a token that is no header are named, not used")
    func refusesBadSettings() async throws {
        let folder = TemporaryFolder()
        for endpoint in ["huggingface.co", "ftp://x", "http://", "https://a b", "https://u:p@h"] {
            let store = ModelStore(settings: .quick(folder, endpoint: endpoint))
            let error = try await hubError { try await store.pull("owner/tiny") }
            guard case .invalidSetting("HF_ENDPOINT", endpoint, _) = error else {
                Issue.record("\(endpoint): \(error)")
                continue
            }
        }
        var settings = HubSettings.quick(folder)
        settings.token = "secret\r\nX-Evil: 1"
        let error = try await hubError {
            try await ModelStore(settings: settings).pull("owner/tiny")
        }
        guard case .invalidSetting("HF_TOKEN", _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(!error.description.contains("secret"))
    }

    @Test("proxies are chosen as curl chooses them")
    func proxies() {
        let settings = ProxySettings(environment: [
            "HTTPS_PROXY": "http://s:1", "http_proxy": "http://p:2", "HTTP_PROXY": "http://evil:3",
            "NO_PROXY": "localhost, .corp.example,hub.example",
        ])
        #expect(settings.proxy(scheme: "https", host: "huggingface.co") == "http://s:1")
        #expect(settings.proxy(scheme: "http", host: "huggingface.co") == "http://p:2")
        for host in ["localhost", "a.corp.example", "corp.example", "HUB.example", "x.hub.example"]
        {
            #expect(settings.proxy(scheme: "https", host: host) == nil, "\(host)")
        }
        #expect(settings.proxy(scheme: "https", host: "nothub.example") == "http://s:1")
        let all = ProxySettings(environment: ["ALL_PROXY": "http://a:1", "no_proxy": "*"])
        #expect(all.https == "http://a:1" && all.proxy(scheme: "https", host: "h") == nil)
    }

    @Test("requests go through the proxy, and to exempt hosts directly")
    func usesProxy() async throws {
        let folder = TemporaryFolder()
        let hub = FakeHub.tiny(weightBytes: 1000)
        try await LoopbackServer.with({ hub.answerAsProxy($0) }) { proxy in
            var settings = HubSettings.quick(folder, endpoint: "http://hub.invalid")
            settings.proxies.http = proxy.address
            _ = try await ModelStore(settings: settings).pull("owner/tiny")
            let tunnels = proxy.requests.filter { $0.method == "CONNECT" }
            #expect(tunnels.allSatisfy { $0.target == "hub.invalid:80" })
            #expect(proxy.requests.count == tunnels.count + 4)
            let before = proxy.requests.count
            settings.proxies.exceptions = ["hub.invalid"]
            let error = try await hubError {
                try await ModelStore(settings: settings).pull("owner/tiny", isRefreshing: true)
            }
            guard case .unreachable = error else {
                Issue.record("\(error)")
                return
            }
            #expect(proxy.requests.count == before)
        }
    }
}

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where models are kept and how they are fetched.
///
/// The environment decides: `FATHOM_HOME`, `XDG_CACHE_HOME` and `HOME` where models go;
/// `HF_ENDPOINT` and `HF_TOKEN` the hub; `FATHOM_OFFLINE` and `HF_HUB_OFFLINE` whether the network
/// may be used; `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` the way to it.
public struct HubSettings: Sendable {
    /// The folder that holds everything, as an absolute path.
    public var home: String
    /// The hub's address, `https://huggingface.co` unless changed.
    public var endpoint: String = "https://huggingface.co"
    /// The access token, sent to the endpoint's own host and to no other.
    public var token: String?
    /// Whether the network must not be used.
    public var isOffline = false
    /// The way to the network.
    public var proxies = ProxySettings()
    /// How long to wait and how often to try.
    public var limits = TransferLimits()
    /// Commands that may run pip, in the order in which they are tried.
    public var pipCommands: [[String]] = [
        ["python3", "-m", "pip"], ["pip3"], ["pip"], ["python", "-m", "pip"],
    ]

    /// Bytes free at a path; a seam for tests.
    package var freeBytes: @Sendable (String) throws -> Int64 = { path throws in
        try FreeSpace.bytes(at: path)
    }
    /// Variables added to pip's environment; a seam for tests.
    package var pipEnvironment: [String: String] = [:]

    /// Keeps everything in one folder and takes the defaults for the rest.
    public init(home: String) {
        self.home = home
    }

    /// Reads the environment.
    ///
    /// - Throws: ``HubError/invalidSetting(name:value:expected:)`` when no variable says where models
    ///   go. What concerns the network is checked when the network is first needed.
    public init(environment: [String: String]) throws(HubError) {
        self.init(home: try Self.home(environment))
        if let endpoint = environment["HF_ENDPOINT"], !endpoint.isEmpty {
            self.endpoint = endpoint
        }
        token = environment["HF_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        isOffline = ["FATHOM_OFFLINE", "HF_HUB_OFFLINE"].contains { name in
            ["1", "ON", "YES", "TRUE"].contains(environment[name]?.uppercased())
        }
        proxies = ProxySettings(environment: environment)
    }

    /// The variables of this process.
    public static var processEnvironment: [String: String] {
        ProcessInfo.processInfo.environment
    }

    private static func home(_ environment: [String: String]) throws(HubError) -> String {
        if let home = environment["FATHOM_HOME"], !home.isEmpty {
            return try absolute(home, environment)
        }
        // The specification of the base directories says to ignore a relative one.
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
            return try absolute("\(cache)/fathom", environment)
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw .invalidSetting(
                name: "HOME", value: environment["HOME"] ?? "",
                expected: "an absolute path, unless FATHOM_HOME names the folder for models")
        }
        return try absolute("\(home)/.cache/fathom", environment)
    }

    private static func absolute(
        _ path: String, _ environment: [String: String]
    ) throws(HubError) -> String {
        guard !path.utf8.contains(0) else {
            throw .invalidSetting(name: "FATHOM_HOME", value: path, expected: "a path")
        }
        let whole = path.hasPrefix("/") ? path : Folders.current() + "/" + path
        var trimmed = whole[...]
        while trimmed.hasSuffix("/"), trimmed.utf8.count > 1 { trimmed = trimmed.dropLast() }
        return String(trimmed)
    }
}

/// How long a transfer may wait and how often it is tried.
public struct TransferLimits: Sendable, Hashable {
    /// Time for name, connection and TLS handshake.
    public var connectTimeout: Duration = .seconds(5)
    /// Time in which the hub must begin to answer the first question.
    public var answerTimeout: Duration = .seconds(10)
    /// Longest time without a byte, and the span in which ``minimumBytes`` must arrive.
    public var stallTimeout: Duration = .seconds(30)
    /// Fewer bytes than this in ``stallTimeout`` count as standing still.
    public var minimumBytes: Int64 = 1024
    /// Requests in a row that bring less than ``progressBytes`` before a pull gives up.
    public var attempts = 6
    /// New bytes after which the count of attempts starts again.
    public var progressBytes: Int64 = 1 << 20
    /// The first wait between attempts; each further one is twice as long, up to ``longestWait``.
    public var firstWait: Duration = .seconds(1)
    /// The longest wait, also for a server that names one itself.
    public var longestWait: Duration = .seconds(60)
    /// Redirects followed for one request.
    public var redirects = 8
    /// Longest accepted list of a repository's files, in bytes.
    public var listingBytes = 32 << 20
    /// Longest time for the list of a repository's files.
    public var listingTimeout: Duration = .seconds(60)
    /// Time in which a pip must say its version.
    public var pipStartTimeout: Duration = .seconds(30)
    /// Longest time for which pip may bring no byte.
    public var pipStallTimeout: Duration = .seconds(180)
    /// Time between looks at a lock that another process holds or at a file that pip writes.
    public var pollInterval: Duration = .milliseconds(100)
    /// Least time between two reports of the same stage.
    public var reportInterval: Duration = .milliseconds(100)

    public init() {}
}

extension Duration {
    /// The duration as a number, for messages and for interfaces that take one.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

/// Which proxy stands between this machine and a host.
///
/// The variables are those that curl and pip read, with their meaning: `HTTPS_PROXY` and
/// `ALL_PROXY` in either case, `http_proxy` in lower case only because a web server may set the
/// other from a request, and `NO_PROXY` as a list of hosts and domains.
public struct ProxySettings: Sendable, Hashable {
    /// The proxy for `https` addresses, such as `http://proxy.example:3128`.
    public var https: String?
    /// The proxy for `http` addresses.
    public var http: String?
    /// Hosts reached directly; a domain includes what is below it, `*` is every host.
    public var exceptions: [String] = []

    public init() {}

    package init(environment: [String: String]) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        https = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        http = value("http_proxy", "all_proxy", "ALL_PROXY")
        exceptions = (value("no_proxy", "NO_PROXY") ?? "")
            .split { $0 == "," || $0 == " " }.map { $0.lowercased() }
    }

    /// The proxy for one host; nothing when it is reached directly.
    package func proxy(scheme: String, host: String) -> String? {
        guard let proxy = scheme == "https" ? https : http else { return nil }
        let host = host.lowercased()
        for exception in exceptions {
            if exception == "*" { return nil }
            let domain = exception.hasPrefix(".") ? String(exception.dropFirst()) : exception
            if host == domain || host.hasSuffix("." + domain) { return nil }
        }
        return proxy
    }
}

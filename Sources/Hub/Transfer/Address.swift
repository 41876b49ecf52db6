#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An `http` or `https` address that has a host and carries no login.
package struct Address: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    package let scheme: String
    package let host: String
    package let port: Int

    package init?(_ text: String, relativeTo base: Address? = nil) {
        // Longer than any signed address of a content network.
        guard text.utf8.count <= 16_384, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let url = URL(string: text, relativeTo: base.flatMap { URL(string: $0.text) })?
                .absoluteURL,
            let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
            let host = url.host(), !host.isEmpty, url.user() == nil, url.password() == nil
        else { return nil }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65_535).contains(port) else { return nil }
        self.text = url.absoluteString
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
    }

    /// Adds path components, each encoded, and a query that is already encoded.
    package func appending(_ components: [String], query: String = "") -> Address? {
        var whole = text
        while whole.hasSuffix("/") { whole.removeLast() }
        for component in components { whole += "/" + Self.encoded(component) }
        return Address(whole + query)
    }

    /// Whether both lead to the same server by the same protocol.
    package func hasSameOrigin(as other: Address) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Whether the host is this machine, where nobody else listens to unencrypted traffic.
    package var isLoopback: Bool {
        host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
    }

    /// Scheme, host and port: an address without what may be secret in its path or query.
    package var description: String {
        let usual = scheme == "https" ? 443 : 80
        return port == usual ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// Encodes all but the characters that RFC 3986 leaves unreserved.
    private static func encoded(_ component: String) -> String {
        let unreserved = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in component.utf8 {
            if unreserved.contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [
                    UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
                ]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}

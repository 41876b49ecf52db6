import AsyncHTTPClient
import NIOHTTP1

/// The answer to a GET after its redirects, its body still to be read.
struct HTTPAnswer: Sendable {
    let response: HTTPClientResponse
    let address: Address
    let hub: RedirectFacts
    let sentToken: Bool
    let repository: String
    let file: String

    var status: Int { Int(response.status.code) }

    func header(_ name: String) -> String? { response.headers.first(name: name) }

    /// The announced length of the body; nothing when it comes in chunks.
    var contentLength: Int64? {
        header("Content-Length").flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The error that a status other than success means.
    func fault() -> HubError {
        switch status {
        case 401, 403:
            // The hub answers so for what exists as well as for what does not.
            return .accessDenied(repository: repository, status: status, sentToken: sentToken)
        case 404, 410:
            return .notFound(
                file == repository ? "'\(repository)'" : "'\(file)' of '\(repository)'")
        case 429:
            return .rateLimited(
                host: address.description, retryAfterSeconds: retryAfterSeconds)
        case 503 where retryAfterSeconds != nil:
            return .rateLimited(
                host: address.description, retryAfterSeconds: retryAfterSeconds)
        default:
            return .unexpectedStatus(file: file, status: status)
        }
    }

    /// What `Retry-After` says in seconds; a date is not used by the hub and not read.
    var retryAfterSeconds: Int? {
        header("Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Throws when the body is compressed, since sizes and ranges mean the file itself.
    func requireIdentity() throws(HubError) {
        for encoding in response.headers[canonicalForm: "Content-Encoding"]
        where encoding.lowercased() != "identity" {
            throw .encodedBody(file: file, encoding: String(encoding))
        }
    }
}

/// `Content-Range: bytes FIRST-LAST/TOTAL`.
package struct ContentRange: Equatable {
    package let first: Int64
    package let last: Int64
    /// Nothing where the server wrote `*`.
    package let total: Int64?

    package init?(_ text: String?) {
        guard let text, text.hasPrefix("bytes ") else { return nil }
        let halves = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]), first >= 0,
            last >= first
        else { return nil }
        if halves[1] == "*" {
            total = nil
        } else {
            guard let number = Int64(halves[1]), number > last else { return nil }
            total = number
        }
        self.first = first
        self.last = last
    }
}

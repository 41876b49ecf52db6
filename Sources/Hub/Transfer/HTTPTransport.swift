import AsyncHTTPClient
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Sends one GET at a time, follows redirects by its own rules and names what goes wrong.
///
/// The client's own redirects are off: it would send `Authorization` wherever it is led within
/// one host's ports, and could not report what the hub says in the headers of a redirect.
package final class HTTPTransport: Sendable {
    let settings: HubSettings
    private let direct: HTTPClient
    private let viaHTTPSProxy: HTTPClient?
    private let viaHTTPProxy: HTTPClient?

    private init(_ settings: HubSettings) throws(HubError) {
        self.settings = settings
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.timeout = .init(
            connect: TimeAmount(settings.limits.connectTimeout),
            read: TimeAmount(settings.limits.stallTimeout),
            write: TimeAmount(settings.limits.stallTimeout))
        // Attempts are counted and reported here, not hidden in the pool.
        configuration.connectionPool.retryConnectionEstablishment = false
        func client(_ proxy: String?, _ variable: String) throws(HubError) -> HTTPClient? {
            guard let proxy else { return nil }
            var configuration = configuration
            configuration.proxy = try HTTPClient.Configuration.Proxy(address: proxy, variable)
            return HTTPClient(configuration: configuration)
        }
        // Every client made must be shut down, so the ones that can fail come first.
        let https = try client(settings.proxies.https, "HTTPS_PROXY")
        do throws(HubError) {
            viaHTTPProxy = try client(settings.proxies.http, "HTTP_PROXY")
        } catch {
            _ = https?.shutdown()
            throw error
        }
        viaHTTPSProxy = https
        direct = HTTPClient(configuration: configuration)
    }

    /// Lends a transport and shuts its connections down afterwards, whatever happens.
    static func with<Result>(
        _ settings: HubSettings, _ body: (HTTPTransport) async throws -> Result
    ) async throws -> Result {
        let transport = try HTTPTransport(settings)
        do {
            let result = try await body(transport)
            await transport.shutdown()
            return result
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func shutdown() async {
        // Shutting down reports leaked requests; an abandoned body is none, so nothing is lost.
        for client in [direct, viaHTTPSProxy, viaHTTPProxy] { try? await client?.shutdown() }
    }

    /// Gets an address.
    ///
    /// - Parameters:
    ///   - file: What is being got, for errors.
    ///   - patience: The longest wait for the head of one answer.
    ///   - token: Sent as a bearer token as long as every hop stays at the first address's origin.
    func get(
        _ address: Address, file: String, repository: String, headers: [(String, String)] = [],
        patience: Duration, token: String?
    ) async throws -> HTTPAnswer {
        var address = address
        let origin = address
        var token = token
        var hop = RedirectFacts()
        for _ in 0...settings.limits.redirects {
            var request = HTTPClientRequest(url: address.text)
            request.headers.add(name: "User-Agent", value: "fathom")
            request.headers.add(name: "Accept-Encoding", value: "identity")
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
            let response = try await send(request, to: address, file: file, patience: patience)
            guard (300..<400).contains(response.status.code), response.status != .notModified else {
                return HTTPAnswer(
                    response: response, address: address, hub: hop, sentToken: token != nil,
                    repository: repository, file: file)
            }
            hop.read(response.headers)
            guard let location = response.headers.first(name: "Location") else {
                throw HubError.malformedResponse(
                    file: file, reason: "a redirect (status \(response.status.code)) leads nowhere")
            }
            let next = try Self.target(of: location, from: address, file: file)
            // Not given again on the way back: the address would be another host's choice.
            if !next.hasSameOrigin(as: origin) { token = nil }
            address = next
        }
        throw HubError.tooManyRedirects(file: file, limit: settings.limits.redirects)
    }

    /// Where a redirect leads, if it may be followed.
    package static func target(
        of location: String, from address: Address, file: String
    ) throws(HubError) -> Address {
        guard let next = Address(location, relativeTo: address) else {
            throw .unsafeRedirect(
                file: file, reason: "\(quoted(location)) is no http or https address")
        }
        guard next.scheme == "https" || address.scheme == "http" else {
            throw .unsafeRedirect(
                file: file, reason: "\(next) is not encrypted as \(address) is")
        }
        return next
    }

    private func send(
        _ request: HTTPClientRequest, to address: Address, file: String, patience: Duration
    ) async throws -> HTTPClientResponse {
        let proxy = settings.proxies.proxy(scheme: address.scheme, host: address.host)
        let client =
            proxy == nil ? direct : address.scheme == "https" ? viaHTTPSProxy : viaHTTPProxy
        do {
            // The deadline covers everything up to the head of the answer.
            return try await (client ?? direct).execute(
                request, deadline: .now() + TimeAmount(patience))
        } catch {
            throw fault(error, at: address, file: file, received: 0)
        }
    }

    /// Reads a whole body that is expected to be small.
    func collect(_ answer: HTTPAnswer) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let end = ContinuousClock.now + settings.limits.listingTimeout
        var body = answer.response.body.makeAsyncIterator()
        while true {
            let buffer: ByteBuffer?
            do {
                buffer = try await body.next()
            } catch {
                throw fault(
                    error, at: answer.address, file: answer.file, received: Int64(bytes.count))
            }
            guard let buffer else { break }
            bytes += buffer.readableBytesView
            guard bytes.count <= settings.limits.listingBytes else {
                throw HubError.malformedResponse(
                    file: answer.file,
                    reason: "it is longer than \(settings.limits.listingBytes) bytes")
            }
            guard ContinuousClock.now < end else {
                throw HubError.stalled(
                    file: answer.file, seconds: settings.limits.listingTimeout.inSeconds,
                    receivedBytes: Int64(bytes.count))
            }
        }
        return bytes
    }

    /// Names an error of the client, or passes on a cancellation.
    func fault(
        _ error: any Error, at address: Address, file: String, received: Int64
    ) -> any Error {
        if Task.isCancelled || error is CancellationError { return CancellationError() }
        if let error = error as? HubError { return error }
        if let error = error as? HTTPClientError {
            switch error {
            case .readTimeout, .writeTimeout:
                return HubError.stalled(
                    file: file, seconds: settings.limits.stallTimeout.inSeconds,
                    receivedBytes: received)
            case .deadlineExceeded:
                return HubError.unreachable(
                    host: address.description, reason: "no answer came in time")
            case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout:
                let seconds = settings.limits.connectTimeout.inSeconds
                return HubError.unreachable(
                    host: address.description, reason: "no connection within \(seconds) seconds")
            case .remoteConnectionClosed, .uncleanShutdown:
                return HubError.connectionLost(
                    file: file, receivedBytes: received, reason: "the server closed it")
            default: break
            }
        }
        if let error = error as? HTTPParserError {
            guard error != .invalidEOFState else {
                return HubError.connectionLost(
                    file: file, receivedBytes: received, reason: "the server closed it")
            }
            return HubError.malformedResponse(
                file: file, reason: "it is not HTTP as the standard has it (\(error))")
        }
        if let error = error as? IOError, received > 0 || error.errnoCode == ECONNRESET {
            return HubError.connectionLost(
                file: file, receivedBytes: received, reason: error.description)
        }
        let reason = String(describing: error)
        return HubError.unreachable(
            host: address.description,
            reason: reason.count > 300 ? "\(reason.prefix(300))…" : reason)
    }
}

/// What the hub says about a file in the headers of the redirect to its storage.
struct RedirectFacts: Sendable, Equatable {
    var entityTag: String?
    var bytes: Int64?

    mutating func read(_ headers: HTTPHeaders) {
        entityTag = headers.first(name: "X-Linked-ETag") ?? entityTag
        bytes = headers.first(name: "X-Linked-Size").flatMap { Int64($0) } ?? bytes
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(Int64(clamping: Int(duration.inSeconds * 1e9)))
    }
}

extension HTTPClient.Configuration.Proxy {
    /// Reads `http://host:port` or `host:port`, with a login before `@` where there is one.
    init(address: String, _ variable: String) throws(HubError) {
        let whole = address.contains("://") ? address : "http://" + address
        guard let url = URL(string: whole), url.scheme?.lowercased() == "http",
            let host = url.host(), !host.isEmpty
        else {
            throw .invalidSetting(
                name: variable, value: address, expected: "an address such as http://host:3128")
        }
        let port = url.port ?? 80
        if let user = url.user(percentEncoded: false) {
            self = .server(
                host: host, port: port,
                authorization: .basic(
                    username: user, password: url.password(percentEncoded: false) ?? ""))
        } else {
            self = .server(host: host, port: port)
        }
    }
}

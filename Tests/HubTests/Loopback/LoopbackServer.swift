import NIOCore
import NIOPosix
import Synchronization

/// A server on this machine that sends exactly the bytes it is told to, valid HTTP or not.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        let method: String
        /// Path and query as sent.
        let target: String
        /// Names in lower case.
        let headers: [String: String]

        var path: String { String(target.prefix { $0 != "?" }) }
    }

    enum Action: Sendable {
        case send([UInt8])
        /// Waits before the next action.
        case pause(milliseconds: Int64)
        /// Sends no more and leaves the connection open.
        case hang
        case close
    }

    typealias Script = @Sendable (Request) -> [Action]

    let port: Int
    private let channel: any Channel
    private let log: RequestLog

    var address: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { log.requests.withLock { $0 } }

    final class RequestLog: Sendable {
        let requests = Mutex<[Request]>([])
    }

    init(_ script: @escaping Script) async throws {
        let log = RequestLog()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ConversationHandler(log: log, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        self.log = log
    }

    /// Starts a server, lends it and stops it.
    static func with<Result>(
        _ script: @escaping Script, _ body: (LoopbackServer) async throws -> Result
    ) async throws -> Result {
        let server = try await LoopbackServer(script)
        do {
            let result = try await body(server)
            try await server.channel.close().get()
            return result
        } catch {
            try? await server.channel.close().get()
            throw error
        }
    }

    /// A port that nobody listens on.
    static func unusedPort() async throws -> Int {
        let server = try await LoopbackServer { _ in [.close] }
        try await server.channel.close().get()
        return server.port
    }
}

/// Reads heads of requests and plays the script's actions one after the other.
private final class ConversationHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: LoopbackServer.RequestLog
    private let script: LoopbackServer.Script
    private var received: [UInt8] = []

    init(log: LoopbackServer.RequestLog, script: @escaping LoopbackServer.Script) {
        self.log = log
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = received.firstRange(of: end) else { return }
        let head = String(decoding: received[..<headEnd.lowerBound], as: UTF8.self)
        received.removeSubrange(..<headEnd.upperBound)
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return context.close(promise: nil) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
            headers[parts[0].lowercased()] = String(value)
        }
        let request = LoopbackServer.Request(
            method: String(words[0]), target: String(words[1]), headers: headers)
        log.requests.withLock { $0.append(request) }
        play(script(request)[...], context)
    }

    private func play(
        _ actions: ArraySlice<LoopbackServer.Action>, _ context: ChannelHandlerContext
    ) {
        var actions = actions
        while let action = actions.popFirst() {
            switch action {
            case .send(let bytes):
                context.writeAndFlush(
                    wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
            case .pause(let milliseconds):
                let rest = actions
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
                    let (handler, context) = bound.value
                    handler.play(rest, context)
                }
                return
            case .hang: return
            case .close: return context.close(promise: nil)
            }
        }
    }
}

import Crypto
import FathomHub
import FathomTestSupport
import Synchronization

/// A hub of one repository that answers honestly unless told otherwise.
struct FakeHub: Sendable {
    typealias Action = LoopbackServer.Action
    typealias Request = LoopbackServer.Request

    struct File: Sendable {
        let path: String
        let content: [UInt8]
        /// Whether the hub keeps it in large-file storage, with a SHA-256.
        var isLarge = true
    }

    static let commit = "0123456789abcdef0123456789abcdef01234567"

    var repository = "owner/tiny"
    var commit = FakeHub.commit
    var files: [File]

    /// The listing as the hub gives it.
    var listing: String {
        let siblings = files.map { file in
            let size = file.content.count
            let blob = Self.hexadecimal(
                Insecure.SHA1.hash(data: Array("blob \(size)\0".utf8) + file.content))
            let large =
                file.isLarge
                ? #","lfs":{"sha256":"\#(Self.sha256(file.content))","size":\#(size),"pointerSize":1}"#
                : ""
            // The blob of a large file is its pointer, whose sum nobody can check here.
            let blobID = file.isLarge ? String(repeating: "0", count: 40) : blob
            return
                #"{"rfilename":"\#(file.path)","size":\#(size),"blobId":"\#(blobID)"\#(large)}"#
        }
        return #"{"id":"\#(repository)","sha":"\#(commit)","siblings":["#
            + siblings.joined(separator: ",") + #"],"unknown":{"a":[1,2]}}"#
    }

    /// Answers one request as the hub does.
    func answer(_ request: Request) -> [Action] {
        if request.path.hasPrefix("/api/models/\(repository)/revision/") {
            return Self.reply("200 OK", [], Array(listing.utf8))
        }
        let prefix = "/\(repository)/resolve/\(commit)/"
        guard request.path.hasPrefix(prefix),
            let file = files.first(where: { $0.path == request.path.dropFirst(prefix.count) })
        else { return Self.reply("404 Not Found", [], Array("no".utf8)) }
        return Self.serve(file.content, request)
    }

    /// Answers as a proxy that is asked for a tunnel to the hub, then as the hub.
    func answerAsProxy(_ request: Request) -> [Action] {
        request.method == "CONNECT" ? Self.head("200 Connected", []) : answer(request)
    }

    /// Serves content with ranges, entity tags and `If-Range`.
    static func serve(
        _ content: [UInt8], _ request: Request, entityTag: String? = nil
    ) -> [Action] {
        let tag = entityTag ?? "\"\(sha256(content))\""
        let wanted = request.headers["if-range"].map { $0 == tag } ?? true
        guard wanted, let offset = offset(of: request) else {
            return reply("200 OK", ["ETag: \(tag)", "Accept-Ranges: bytes"], content)
        }
        guard offset < content.count else {
            return reply(
                "416 Range Not Satisfiable", ["Content-Range: bytes */\(content.count)"], [])
        }
        let range = "Content-Range: bytes \(offset)-\(content.count - 1)/\(content.count)"
        return reply("206 Partial Content", ["ETag: \(tag)", range], Array(content[offset...]))
    }

    /// The first byte that a request asks for.
    static func offset(of request: Request) -> Int? {
        request.headers["range"].flatMap { Int($0.dropFirst(6).dropLast()) }
    }

    /// A whole answer with a length.
    static func reply(_ status: String, _ headers: [String], _ body: [UInt8]) -> [Action] {
        head(status, headers + ["Content-Length: \(body.count)"]) + [.send(body)]
    }

    static func head(_ status: String, _ headers: [String]) -> [Action] {
        [
            .send(
                Array(
                    "HTTP/1.1 \(status)\r\n\((headers + [""]).joined(separator: "\r\n"))\r\n".utf8))
        ]
    }

    /// Sends only the beginning of what an answer would send, then does something else.
    static func cut(
        _ actions: [Action], afterBodyBytes count: Int, then last: Action = .close
    ) -> [Action] {
        guard case .send(let body)? = actions.last else { return actions }
        return actions.dropLast() + [
            .send(Array(body.prefix(count))), .pause(milliseconds: 5), last,
        ]
    }

    static func sha256(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        digest.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

extension FakeHub {
    /// A folder model: three small files and one larger one.
    static func tiny(weightBytes: Int = 300_000, seed: UInt64 = 1) -> FakeHub {
        var random = SeededGenerator(seed: seed)
        return FakeHub(files: [
            File(
                path: "config.json", content: Array(#"{"model_type":"llama"}"#.utf8), isLarge: false
            ),
            File(path: "tokenizer.json", content: Array("{}".utf8), isLarge: false),
            File(path: "model.safetensors", content: random.bytes(weightBytes)),
            File(path: "pytorch_model.bin", content: [0x80, 2]),
            File(path: "onnx/model.onnx", content: [1, 2, 3]),
        ])
    }

    func content(_ path: String) -> [UInt8] { files.first { $0.path == path }?.content ?? [] }
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            withUnsafeBytes(of: next()) { bytes += $0.prefix(count - bytes.count) }
        }
        return bytes
    }
}

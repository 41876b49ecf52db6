/// What can go wrong between a model's name and its files.
///
/// Each case says where, what was found and what was expected; ``remedy`` says what to do.
public enum HubError: Error, Sendable, Hashable {
    // Names
    case invalidName(String, reason: String)
    case unknownName(String, suggestions: [String])
    case notInstalled(String)
    case ambiguousFile(repository: String, wanted: String, choices: [String])

    // Settings
    case invalidSetting(name: String, value: String, expected: String)
    case offline(String)

    // The network
    case unreachable(host: String, reason: String)
    case connectionLost(file: String, receivedBytes: Int64, reason: String)
    case stalled(file: String, seconds: Double, receivedBytes: Int64)
    case accessDenied(repository: String, status: Int, sentToken: Bool)
    case notFound(String)
    case rateLimited(host: String, retryAfterSeconds: Int?)
    case unexpectedStatus(file: String, status: Int)
    case tooManyRedirects(file: String, limit: Int)
    case unsafeRedirect(file: String, reason: String)
    case malformedResponse(file: String, reason: String)
    case encodedBody(file: String, encoding: String)

    // Content
    case sizeMismatch(file: String, expected: Int64, found: Int64)
    case checksumMismatch(file: String, expected: String, found: String)
    case unsafeFileName(repository: String, name: String, reason: String)
    case picklesOnly(repository: String, files: [String])
    case noModelFiles(repository: String, reason: String)
    case damagedArchive(file: String, reason: String)

    // This machine
    case notEnoughSpace(path: String, neededBytes: Int64, freeBytes: Int64)
    case fileSystem(operation: String, path: String, code: Int32, reason: String)
    case pipMissing(tried: [String])
    case pipFailed(command: String, reason: String, output: String)

    case allSourcesFailed(name: String, failures: [SourceFailure])

    /// One source that was tried and what became of it.
    public struct SourceFailure: Sendable, Hashable {
        public let source: String
        public let error: String
        public let remedy: String?

        init(source: ModelSource, error: HubError) {
            self.source = source.description
            self.error = error.sentence
            self.remedy = error.remedy
        }
    }
}

extension HubError: CustomStringConvertible {
    /// The sentence and, where there is one, the remedy.
    public var description: String {
        guard let remedy else { return sentence }
        return "\(sentence); \(remedy)"
    }

    /// What happened, without the remedy.
    public var sentence: String {
        switch self {
        case .invalidName(let name, let reason):
            "\(quoted(name)) cannot be a model's name: \(reason)"
        case .unknownName(let name, _):
            "\(quoted(name)) is not in the catalogue"
        case .notInstalled(let name):
            "\(quoted(name)) is not on this machine"
        case .ambiguousFile(let repository, let wanted, let choices):
            choices.isEmpty
                ? "\(repository): no GGUF file matches \(quoted(wanted))"
                : "\(repository): \(choices.count) GGUF files match \(quoted(wanted)): "
                    + choices.prefix(8).joined(separator: ", ")
        case .invalidSetting(let name, let value, let expected):
            "\(name) is \(quoted(value)); it must be \(expected)"
        case .offline(let name):
            "\(quoted(name)) is not on this machine and offline mode is on"
        case .unreachable(let host, let reason):
            "\(host) cannot be reached: \(reason)"
        case .connectionLost(let file, let received, let reason):
            "\(file): the connection broke after \(received) bytes: \(reason)"
        case .stalled(let file, let seconds, let received):
            "\(file): the transfer stood still for \(seconds) seconds after \(received) bytes"
        case .accessDenied(let repository, let status, let sentToken):
            sentToken
                ? "\(repository): the hub refused the token in HF_TOKEN (status \(status))"
                : "\(repository): the hub asks for a login (status \(status))"
        case .notFound(let what):
            "\(what) does not exist on the hub"
        case .rateLimited(let host, let seconds):
            seconds.map { "\(host) asks to wait \($0) seconds before the next request" }
                ?? "\(host) refuses further requests for now"
        case .unexpectedStatus(let file, let status):
            "\(file): the server answered with status \(status); 200 or 206 was expected"
        case .tooManyRedirects(let file, let limit):
            "\(file): the server redirected more than \(limit) times"
        case .unsafeRedirect(let file, let reason):
            "\(file): a redirect was refused: \(reason)"
        case .malformedResponse(let file, let reason):
            "\(file): the answer cannot be used: \(reason)"
        case .encodedBody(let file, let encoding):
            "\(file): the body came encoded as \(quoted(encoding)); only identity was asked for"
        case .sizeMismatch(let file, let expected, let found):
            "\(file): \(found) bytes were announced or sent; \(expected) were expected"
        case .checksumMismatch(let file, let expected, let found):
            "\(file): the checksum is \(found); it must be \(expected)"
        case .unsafeFileName(let repository, let name, let reason):
            "\(repository): the file name \(quoted(name)) is refused: \(reason)"
        case .picklesOnly(let repository, let files):
            "\(repository): its weights are pickles (\(files.prefix(3).joined(separator: ", "))"
                + (files.count > 3 ? " and \(files.count - 3) more" : "")
                + "); pickle is never loaded"
        case .noModelFiles(let repository, let reason):
            "\(repository): it holds no model that can be used: \(reason)"
        case .damagedArchive(let file, let reason):
            "\(file): the archive is damaged: \(reason)"
        case .notEnoughSpace(let path, let needed, let free):
            "\(path): \(needed) bytes are needed and \(free) are free"
        case .fileSystem(let operation, let path, _, let reason):
            "\(path): cannot \(operation): \(reason)"
        case .pipMissing(let tried):
            "no working pip was found; tried " + tried.joined(separator: ", ")
        case .pipFailed(let command, let reason, let output):
            "\(command): \(reason)" + (output.isEmpty ? "" : ": \(output)")
        case .allSourcesFailed(let name, let failures):
            "\(name): none of its \(failures.count) sources could be used: "
                + failures.map { "\($0.source): \($0.error)" }.joined(separator: "; ")
        }
    }

    /// What the user can do about it, when there is something.
    public var remedy: String? {
        switch self {
        case .invalidName:
            "write a name that 'fathom list' shows, owner/repository or owner/repository:file.gguf"
        case .unknownName(_, let suggestions):
            suggestions.isEmpty
                ? "'fathom list' shows the known names; a hub model is written owner/repository"
                : "did you mean \(suggestions.map { "'\($0)'" }.joined(separator: " or "))?"
        case .notInstalled:
            "'fathom list' shows what is"
        case .ambiguousFile(let repository, _, let choices):
            choices.isEmpty
                ? "name one of its files: \(repository):file.gguf"
                : "name one of them: \(repository):\(choices[0])"
        case .invalidSetting, .malformedResponse, .tooManyRedirects, .unsafeRedirect,
            .encodedBody, .unsafeFileName, .unexpectedStatus, .sizeMismatch:
            nil
        case .offline:
            "unset FATHOM_OFFLINE and HF_HUB_OFFLINE to download it"
        case .unreachable:
            "check the connection, or set HF_ENDPOINT to a mirror or HTTPS_PROXY to a proxy"
        case .connectionLost, .stalled:
            "run the command again: it goes on where it stopped"
        case .accessDenied(let repository, _, let sentToken):
            sentToken
                ? "accept the terms of \(repository) with the token's account, or use another one"
                : "set HF_TOKEN to an access token of an account that may read \(repository)"
        case .notFound:
            "check the spelling; a private repository needs HF_TOKEN"
        case .rateLimited:
            "wait, or set HF_TOKEN for a higher limit"
        case .checksumMismatch:
            "the file was thrown away; pull again, from another network or mirror if it recurs"
        case .picklesOnly(let repository, _):
            "use a safetensors revision if it has one, such as \(repository)@refs/pr/1, or convert "
                + "the weights to safetensors where running their code is acceptable"
        case .noModelFiles:
            "name a repository with config.json and *.safetensors, or one GGUF file of it"
        case .damagedArchive:
            "pull again"
        case .notEnoughSpace:
            "free some, or set FATHOM_HOME to a folder on a larger disk"
        case .fileSystem(_, _, let code, _):
            FileFault.isPermission(code)
                ? "set FATHOM_HOME to a folder that may be written to" : nil
        case .pipMissing:
            "install Python with pip, or make the hub reachable"
        case .pipFailed:
            "check that pip can reach its package index, or make the hub reachable"
        case .allSourcesFailed(_, let failures):
            failures.compactMap(\.remedy).first
        }
    }

    /// Whether the same request may well succeed a moment later.
    var isTransient: Bool {
        switch self {
        case .unreachable, .connectionLost, .stalled, .rateLimited: true
        case .unexpectedStatus(_, let status): [408, 425, 500, 502, 503, 504].contains(status)
        default: false
        }
    }

    /// Whether another source of the same model is worth trying: not when this machine is at fault.
    var concernsSource: Bool {
        switch self {
        case .notEnoughSpace, .fileSystem, .invalidName, .unknownName, .notInstalled, .offline,
            .invalidSetting:
            false
        default: true
        }
    }
}

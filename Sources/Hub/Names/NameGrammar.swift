/// What names may look like before anything touches a disk or a network because of them.
///
/// The rules are allow-lists over ASCII: there is no encoding, look-alike or separator left that
/// could mean another folder to a file system than it means here.
enum NameGrammar {
    /// Longest accepted name of a model, in bytes.
    static let longestName = 512
    /// Longest owner, repository or path component, in bytes. The hub's own limit is 96.
    static let longestPart = 96

    /// Says what is wrong with an owner or a repository; nothing when it is in order.
    ///
    /// The grammar is the hub's: letters, digits, `-`, `_` and `.`; no `--` and no `..`; neither
    /// `-` nor `.` at an end.
    static func fault(inRepositoryPart part: some StringProtocol) -> String? {
        guard !part.isEmpty else { return "a part of it is empty" }
        guard part.utf8.count <= longestPart else {
            return "a part of it is \(part.utf8.count) bytes long; at most \(longestPart) are taken"
        }
        guard part.utf8.allSatisfy({ isWord($0) || Ascii.inRepositories.contains($0) }) else {
            return "only letters, digits, '-', '_' and '.' are taken"
        }
        guard !part.contains(".."), !part.contains("--") else {
            return "'..' and '--' are not taken"
        }
        guard !hasEnd(part, Ascii.dot), !hasEnd(part, Ascii.dash) else {
            return "a part may neither start nor end with '.' or '-'"
        }
        return nil
    }

    /// Says what is wrong with a branch, tag, commit or `refs/pr/N`.
    static func fault(inRevision revision: some StringProtocol) -> String? {
        guard revision.utf8.count <= longestPart else { return "the revision is too long" }
        let parts = revision.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 4, parts.allSatisfy({ fault(inRepositoryPart: $0) == nil }) else {
            return "the revision after '@' is not a branch, tag, commit or refs/pr/N"
        }
        return nil
    }

    /// Says what is wrong with a path inside a repository, whoever wrote it: a user or a server.
    static func fault(inFilePath path: some StringProtocol) -> String? {
        guard !path.isEmpty, path.utf8.count <= longestName else {
            return "it is empty or longer than \(longestName) bytes"
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for part in parts {
            guard !part.isEmpty else { return "a component of it is empty" }
            guard part.utf8.count <= 200 else { return "a component is longer than 200 bytes" }
            guard part.utf8.allSatisfy({ isWord($0) || Ascii.inFileNames.contains($0) }) else {
                return "only letters, digits, ' ' and one of -_.+=()[],~ are taken"
            }
            guard !hasEnd(part, Ascii.dot) else {
                return "a component may neither start nor end with '.'"
            }
            guard !hasEnd(part, Ascii.space) else {
                return "a component may neither start nor end with a space"
            }
        }
        return nil
    }

    /// Whether the text, whose characters are known to be ASCII, starts or ends with a character.
    private static func hasEnd(_ text: some StringProtocol, _ character: Character) -> Bool {
        text.first == character || text.last == character
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private enum Ascii {
        static let dot: Character = "."
        static let dash: Character = "-"
        static let space: Character = " "
        static let inRepositories = Array("-.".utf8)
        static let inFileNames = Array(" -.+=()[],~".utf8)
    }
}

/// Shows text that may hold anything: control characters escaped, cut after eighty characters.
func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(80) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            shown += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.count > 80 ? "'\(shown)…'" : "'\(shown)'"
}

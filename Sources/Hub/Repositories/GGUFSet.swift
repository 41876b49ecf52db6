/// GGUF files by name: one by its path or tag, and the parts of a split one.
///
/// A split model is named `NAME-00001-of-00003.gguf` and so on; its first part stands for it.
enum GGUFSet {
    /// Most parts of a split model; the number in a name is text that anyone may write.
    private static let mostParts = 1024

    /// Finds the one model that a path or a tag means; empty text means the only one there is.
    static func first(
        matching text: String, among paths: [String], repository: String
    ) throws(HubError) -> String {
        let models = paths.filter { path in
            guard path.hasSuffix(".gguf") else { return false }
            return split(path).map { $0.index == 1 } ?? true
        }
        if let exact = paths.first(where: { $0 == text && $0.hasSuffix(".gguf") }) {
            guard let part = split(exact), part.index != 1 else { return exact }
            return name(part.stem, index: 1, count: part.count)
        }
        let matches = models.filter { isTagged($0, text) }
        guard matches.count == 1 else {
            throw .ambiguousFile(repository: repository, wanted: text, choices: matches.sorted())
        }
        return matches[0]
    }

    /// Every file of a model, the first one first.
    static func paths(of first: String, repository: String) throws(HubError) -> [String] {
        guard let part = split(first) else { return [first] }
        guard (1...mostParts).contains(part.count) else {
            throw .noModelFiles(
                repository: repository, reason: "'\(first)' claims \(part.count) parts")
        }
        return (1...part.count).map { name(part.stem, index: $0, count: part.count) }
    }

    /// Whether a tag such as `Q4_K_M` stands in a file's name as a word of its own.
    private static func isTagged(_ path: String, _ tag: String) -> Bool {
        guard !tag.isEmpty else { return true }
        let stem = split(path)?.stem ?? String(path.dropLast(5))
        func asWords(_ text: some StringProtocol) -> String {
            "-" + text.lowercased().map { $0 == "." ? "-" : String($0) }.joined() + "-"
        }
        return asWords(stem.split(separator: "/").last ?? "").contains(asWords(tag))
    }

    private static func split(_ path: String) -> (stem: String, index: Int, count: Int)? {
        guard path.hasSuffix(".gguf") else { return nil }
        let fields = path.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count >= 4, fields[fields.count - 2] == "of",
            let count = number(fields[fields.count - 1]), count > 0,
            let index = number(fields[fields.count - 3]), (1...count).contains(index)
        else { return nil }
        return (fields.dropLast(3).joined(separator: "-"), index, count)
    }

    private static func number(_ digits: Substring) -> Int? {
        guard digits.utf8.count == 5, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }

    private static func name(_ stem: String, index: Int, count: Int) -> String {
        func padded(_ number: Int) -> String {
            String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number)
        }
        return "\(stem)-\(padded(index))-of-\(padded(count)).gguf"
    }
}

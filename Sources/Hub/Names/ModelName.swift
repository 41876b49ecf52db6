/// What a user meant by a model's name: an entry of the catalogue, or a repository of the hub.
///
/// Accepted are `SmolLM2-135M-Instruct`, `owner/repository`, `owner/repository@revision`,
/// `owner/repository:file.gguf`, `owner/repository:Q4_K_M`, and each of the latter behind
/// `hf.co/`, `huggingface.co/` or those with `https://`.
package enum ModelName: Sendable, Hashable {
    case entry(CatalogueEntry)
    case repository(RepositoryName, HubFiles)

    /// Parses a name. Nothing is read from the disk or the network.
    ///
    /// - Throws: ``HubError/invalidName(_:reason:)``, ``HubError/unknownName(_:suggestions:)``.
    package init(_ text: String, catalogue: Catalogue) throws(HubError) {
        guard !text.isEmpty else { throw .invalidName(text, reason: "it is empty") }
        guard text.utf8.count <= NameGrammar.longestName else {
            throw .invalidName(
                text,
                reason: "it is \(text.utf8.count) bytes long; at most "
                    + "\(NameGrammar.longestName) are taken")
        }
        let name = Self.withoutHost(text)
        guard name.utf8.contains(UInt8(ascii: "/")) else {
            if let reason = NameGrammar.fault(inRepositoryPart: name) {
                throw .invalidName(text, reason: reason)
            }
            self = .entry(try catalogue.entry(named: name))
            return
        }
        let halves = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let place = halves[0].split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let repository: RepositoryName
        do {
            repository = try RepositoryName(
                String(place[0]), revision: place.count == 2 ? String(place[1]) : "main")
        } catch .invalidName(_, let reason) {
            throw .invalidName(text, reason: reason)
        }
        guard halves.count == 2 else {
            self = .repository(repository, .folder)
            return
        }
        if let reason = NameGrammar.fault(inFilePath: halves[1]) {
            throw .invalidName(text, reason: "after ':', " + reason)
        }
        self = .repository(repository, .gguf(String(halves[1])))
    }

    /// The places to try, in order.
    package var sources: [ModelSource] {
        switch self {
        case .entry(let entry): entry.sources
        case .repository(let repository, let files): [.hub(repository: repository, files: files)]
        }
    }

    private static func withoutHost(_ text: String) -> String {
        let hosts = ["hf.co/", "huggingface.co/"]
        for prefix in hosts + hosts.map({ "https://" + $0 }) where text.hasPrefix(prefix) {
            return String(text.dropFirst(prefix.count))
        }
        return text
    }
}

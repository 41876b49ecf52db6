/// A repository on the hub at one revision: `owner/repository`, `owner/repository@revision`.
public struct RepositoryName: Sendable, Hashable {
    public let owner: String
    public let repository: String
    /// A branch, tag, commit or `refs/pr/N`.
    public let revision: String

    /// `owner/repository`, without the revision.
    public var identifier: String { "\(owner)/\(repository)" }

    /// Checks a name in the hub's grammar.
    ///
    /// - Throws: ``HubError/invalidName(_:reason:)``.
    public init(_ identifier: String, revision: String = "main") throws(HubError) {
        let parts = identifier.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .invalidName(identifier, reason: "a repository is written owner/repository")
        }
        for part in parts {
            if let reason = NameGrammar.fault(inRepositoryPart: part) {
                throw .invalidName(identifier, reason: reason)
            }
        }
        if let reason = NameGrammar.fault(inRevision: revision) {
            throw .invalidName("\(identifier)@\(revision)", reason: reason)
        }
        self.init(owner: String(parts[0]), repository: String(parts[1]), revision: revision)
    }

    /// Takes parts that are known to obey the grammar.
    init(owner: String, repository: String, revision: String) {
        self.owner = owner
        self.repository = repository
        self.revision = revision
    }
}

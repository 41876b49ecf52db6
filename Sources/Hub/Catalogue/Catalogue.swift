/// The models that are known by a short name.
///
/// ```swift
/// let entry = try Catalogue.standard.entry(named: "smollm2")
/// print(entry.summary)
/// ```
public struct Catalogue: Sendable, Hashable {
    /// Every model this release knows.
    public static let standard = Catalogue(entries: standardEntries)

    /// The model that is used when none is named; small enough for any machine.
    public static let defaultName = "SmolLM2-135M-Instruct"

    /// The model that texts are embedded by when none is named.
    public static let defaultEmbedderName = "all-MiniLM-L6-v2"

    public let entries: [CatalogueEntry]

    public init(entries: [CatalogueEntry]) {
        self.entries = entries
    }

    /// Finds an entry by its name or an alias, without regard to case.
    ///
    /// - Throws: ``HubError/unknownName(_:suggestions:)`` with the nearest names.
    public func entry(named name: String) throws(HubError) -> CatalogueEntry {
        let wanted = name.lowercased()
        for entry in entries {
            let names = [entry.name] + entry.aliases
            if names.contains(where: { $0.lowercased() == wanted }) { return entry }
        }
        throw .unknownName(name, suggestions: nearest(to: name, limit: 3))
    }

    /// The names of the entries that are likeliest meant, the likeliest first.
    ///
    /// What is written whole inside a name counts most, because a short name is more often cut
    /// than misspelt; after that few changes to a name or an alias.
    private func nearest(to name: String, limit: Int) -> [String] {
        // Longer input is no typing mistake, and the comparison costs the product of the lengths.
        let lowered = name.lowercased()
        let wanted = Array(lowered.utf8.prefix(NameGrammar.longestPart))
        let scored = entries.compactMap { entry -> (score: Int, name: String)? in
            let scores = ([entry.name] + entry.aliases).compactMap { candidate -> Int? in
                let candidate = candidate.lowercased()
                let text = Array(candidate.utf8)
                if wanted.count >= 3, candidate.contains(lowered) {
                    return text.count - wanted.count
                }
                let distance = editDistance(wanted, text)
                return distance <= max(2, wanted.count / 3) ? 100 + distance : nil
            }
            return scores.min().map { ($0, entry.name) }
        }
        return scored.sorted { $0 < $1 }.prefix(limit).map(\.name)
    }
}

/// Levenshtein's distance: insertions, deletions and substitutions, each counted one.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var previous = Array(0...b.count)
    var current = previous
    for (i, x) in a.enumerated() {
        current[0] = i + 1
        for (j, y) in b.enumerated() {
            current[j + 1] = min(
                previous[j] + (x == y ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
        }
        swap(&previous, &current)
    }
    return previous[b.count]
}

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
        throw .unknownName(
            name, suggestions: nearestNames(to: name, among: entries.map(\.name), limit: 3))
    }
}

/// Orders candidates by how likely each is what was meant and keeps the plausible ones.
///
/// Insertions are cheap, because a short name is more often cut than misspelt.
func nearestNames(to name: String, among candidates: [String], limit: Int) -> [String] {
    // Longer input is no typing mistake, and the comparison costs the product of the lengths.
    let wanted = Array(name.lowercased().utf8.prefix(96))
    guard !wanted.isEmpty else { return Array(candidates.prefix(limit)) }
    let scored = candidates.compactMap { candidate -> (name: String, score: Int)? in
        let text = Array(candidate.lowercased().utf8)
        let distance = editDistance(wanted, text)
        // Everything the shorter one lacks is forgiven when it occurs whole in the longer one.
        let contained = candidate.lowercased().contains(name.lowercased()) && wanted.count >= 3
        if contained { return (candidate, text.count - wanted.count) }
        return distance <= max(2, wanted.count / 3) ? (candidate, 100 + distance) : nil
    }
    return scored.sorted { ($0.score, $0.name) < ($1.score, $1.name) }.prefix(limit).map(\.name)
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

/// Unicode's compatibility decomposition (NFKD): `ﬁ` becomes `fi`, `²` becomes `2`, `é` becomes
/// `e` and an accent.
///
/// It equals NFKC followed by NFD, because composing and decomposing again changes nothing.
/// Defined in Unicode Standard Annex 15.
enum CompatibilityForm {
    /// The text in compatibility-decomposed form.
    static func decomposed(_ text: [UInt8]) -> [UInt8] {
        guard !text.allSatisfy({ $0 < 0x80 }) else { return text }
        let canonical = Normalizer(steps: [.canonical(composes: false)])
        // Canonical parts first, so that the table needs no characters that have any; once more
        // afterwards, because the parts of the table may hold marks to be ordered.
        var expanded: [UInt8] = []
        canonical.normalize(text, .init()).text.withUnsafeBufferPointer { text in
            var position = 0
            while position < text.count {
                let (scalar, end) = UTF8Text.decode(text, at: position)
                if let parts = table[scalar] {
                    expanded.append(contentsOf: parts)
                } else {
                    expanded.append(contentsOf: text[position..<end])
                }
                position = end
            }
        }
        return canonical.normalize(expanded, .init()).text
    }

    /// The UTF-8 of what a character becomes.
    private static let table: [UInt32: [UInt8]] = {
        var table: [UInt32: [UInt8]] = [:]
        let runs = CompatibilityDecompositions.runs
        for start in stride(from: 0, to: runs.count - 2, by: 3) {
            for offset in 0..<runs[start + 1] {
                UTF8Text.append(
                    runs[start + 2] + offset, to: &table[runs[start] + offset, default: []])
            }
        }
        let rows = CompatibilityDecompositions.rows
        var position = 0
        while position < rows.count {
            let head = rows[position]
            let count = Int(head >> CompatibilityDecompositions.countShift)
            let scalar = head & CompatibilityDecompositions.scalarMask
            for part in rows[position + 1...position + count] {
                UTF8Text.append(part, to: &table[scalar, default: []])
            }
            position += count + 1
        }
        return table
    }()
}

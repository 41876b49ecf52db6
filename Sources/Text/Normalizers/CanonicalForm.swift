/// Unicode's canonical forms, composed (NFC) and decomposed (NFD).
///
/// Most text is in composed form already; then it is only looked at. Otherwise the stretches that
/// may change are decomposed, ordered and composed by the algorithm of Unicode Standard Annex 15.
package enum CanonicalForm {
    /// The text in composed (NFC) or decomposed (NFD) form.
    package static func normalized(_ text: String, composing: Bool) -> String {
        let normalizer = Normalizer(steps: [.canonical(composes: composing)])
        let bytes = normalizer.normalize(Array(text.utf8), TemplateRanges()).text
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes the normalised text; says whether it did, false where the text is normal already.
    static func normalize(
        _ text: UnsafeBufferPointer<UInt8>, composing: Bool, into output: inout NormalizedText
    ) -> Bool {
        let data = CanonicalData.shared
        var isChanged = false
        // Where the last character starts that nothing after it can change the start of.
        var safeStart = 0
        var position = 0
        while position < text.count {
            if text[position] < 0x80 {
                safeStart = position
                position += 1
                continue
            }
            let (scalar, end) = UTF8Text.decode(text, at: position)
            guard data.mayChange(scalar, composing: composing) else {
                safeStart = position
                position = end
                continue
            }
            var stretchEnd = end
            while stretchEnd < text.count {
                let (next, after) = UTF8Text.decode(text, at: stretchEnd)
                guard data.mayChange(next, composing: composing) else { break }
                stretchEnd = after
            }
            output.copy(text, to: safeStart)
            var scalars = data.decomposed(text, in: safeStart..<stretchEnd)
            if composing { data.compose(&scalars) }
            var bytes: [UInt8] = []
            for scalar in scalars { UTF8Text.append(scalar, to: &bytes) }
            output.append(bytes, sourceEnd: stretchEnd)
            isChanged = true
            position = stretchEnd
            safeStart = stretchEnd
        }
        if isChanged { output.copy(text, to: text.count) }
        return isChanged
    }
}

/// What normalisation knows about characters.
private struct CanonicalData: Sendable {
    private enum Hangul {
        static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
        static let leading: Range<UInt32> = 0x1100..<0x1113
        static let vowels: Range<UInt32> = 0x1161..<0x1176
        /// The first trailing consonant stands for none.
        static let trailing: Range<UInt32> = 0x11A7..<0x11C3
        static let trailingCount: UInt32 = 28
        static let perLeading: UInt32 = 21 * 28
    }

    static let shared = CanonicalData()

    private var parts: [UInt32: (first: UInt32, second: UInt32)] = [:]
    private var composites: [UInt64: UInt32] = [:]
    /// Characters that composition can change: those it never makes and those it joins to others.
    private var unstable: Set<UInt32> = []
    /// One bit for each character below U+10000 that may change, when composing and when not.
    private var composedBits = [UInt64](repeating: 0, count: 1024)
    private var decomposedBits = [UInt64](repeating: 0, count: 1024)

    private init() {
        let rows = CanonicalDecompositions.rows
        for row in stride(from: 0, to: rows.count - 2, by: 3) {
            let isExcluded = rows[row] & CanonicalDecompositions.isExcludedBit != 0
            let scalar = rows[row] & ~CanonicalDecompositions.isExcludedBit
            let (first, second) = (rows[row + 1], rows[row + 2])
            parts[scalar] = (first, second)
            if isExcluded || second == 0 {
                unstable.insert(scalar)
            } else {
                composites[UInt64(first) << 32 | UInt64(second)] = scalar
                unstable.insert(second)
            }
        }
        for value in UInt32(0x80)..<0x10000 {
            let word = Int(value >> 6)
            let bit: UInt64 = 1 << UInt64(value & 63)
            if computeMayChange(value, composing: true) { composedBits[word] |= bit }
            if computeMayChange(value, composing: false) { decomposedBits[word] |= bit }
        }
    }

    @inline(__always)
    func mayChange(_ scalar: UInt32, composing: Bool) -> Bool {
        guard scalar < 0x10000 else { return computeMayChange(scalar, composing: composing) }
        let word = (composing ? composedBits : decomposedBits)[Int(scalar >> 6)]
        return word >> UInt64(scalar & 63) & 1 == 1
    }

    private func computeMayChange(_ value: UInt32, composing: Bool) -> Bool {
        guard let scalar = Unicode.Scalar(value), value >= 0xC0 else { return false }
        if scalar.properties.canonicalCombiningClass != .notReordered { return true }
        if composing {
            return unstable.contains(value) || Hangul.vowels.contains(value)
                || Hangul.trailing.contains(value)
        }
        return parts[value] != nil || Hangul.syllables.contains(value)
    }

    private func combiningClass(_ scalar: UInt32) -> UInt8 {
        guard scalar >= 0x300 else { return 0 }
        return Unicode.Scalar(scalar)?.properties.canonicalCombiningClass.rawValue ?? 0
    }

    /// The full decomposition of a stretch in canonical order.
    func decomposed(_ text: UnsafeBufferPointer<UInt8>, in range: Range<Int>) -> [UInt32] {
        var scalars: [UInt32] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let (scalar, end) = UTF8Text.decode(text, at: position)
            appendParts(of: scalar, to: &scalars)
            position = end
        }
        // Marks that follow each other are ordered by their class, those of one class left alone.
        var index = 0
        while index < scalars.count {
            guard combiningClass(scalars[index]) != 0 else {
                index += 1
                continue
            }
            let start = index
            while index < scalars.count, combiningClass(scalars[index]) != 0 { index += 1 }
            let marks = scalars[start..<index].enumerated()
                .map { (order: Int(combiningClass($1)) << 32 | $0, scalar: $1) }
                .sorted { $0.order < $1.order }
            scalars.replaceSubrange(start..<index, with: marks.lazy.map(\.scalar))
        }
        return scalars
    }

    private func appendParts(of scalar: UInt32, to scalars: inout [UInt32]) {
        if Hangul.syllables.contains(scalar) {
            let index = scalar - Hangul.syllables.lowerBound
            scalars.append(Hangul.leading.lowerBound + index / Hangul.perLeading)
            scalars.append(
                Hangul.vowels.lowerBound + index % Hangul.perLeading / Hangul.trailingCount)
            let trailing = index % Hangul.trailingCount
            if trailing > 0 { scalars.append(Hangul.trailing.lowerBound + trailing) }
            return
        }
        // A first part may have parts itself; at most four levels exist.
        var seconds: [UInt32] = []
        var first = scalar
        while let (next, second) = parts[first] {
            first = next
            if second != 0 { seconds.append(second) }
        }
        scalars.append(first)
        // Second parts can be singletons (U+0344 is not among them, but the loop is the same).
        for second in seconds.reversed() {
            var part = second
            while let (next, rest) = parts[part], rest == 0 { part = next }
            if let (next, rest) = parts[part] {
                scalars.append(next)
                scalars.append(rest)
            } else {
                scalars.append(part)
            }
        }
    }

    /// Joins each character with the last starter where nothing stands between that blocks it.
    func compose(_ scalars: inout [UInt32]) {
        var starter: Int?
        var lastClass: UInt8 = 0
        var kept = 0
        for scalar in scalars {
            let currentClass = combiningClass(scalar)
            if let place = starter,
                kept - 1 == place || lastClass < currentClass,
                let joined = composite(scalars[place], scalar)
            {
                scalars[place] = joined
                continue
            }
            if currentClass == 0 { starter = kept }
            lastClass = currentClass
            scalars[kept] = scalar
            kept += 1
        }
        scalars.removeLast(scalars.count - kept)
    }

    private func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if Hangul.leading.contains(first), Hangul.vowels.contains(second) {
            let index =
                (first - Hangul.leading.lowerBound) * 21 + (second - Hangul.vowels.lowerBound)
            return Hangul.syllables.lowerBound + index * Hangul.trailingCount
        }
        if Hangul.syllables.contains(first), second > Hangul.trailing.lowerBound,
            Hangul.trailing.contains(second),
            (first - Hangul.syllables.lowerBound) % Hangul.trailingCount == 0
        {
            return first + second - Hangul.trailing.lowerBound
        }
        return composites[UInt64(first) << 32 | UInt64(second)]
    }
}

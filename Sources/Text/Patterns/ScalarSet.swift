/// A set of characters as a bracket expression of a pattern describes it.
struct ScalarSet: Sendable, Hashable {
    private enum Term: Sendable, Hashable {
        case range(ClosedRange<UInt32>)
        case categories(GeneralCategories)
        case whitespace
        case wordCharacter
        case nested(ScalarSet)
    }

    private var terms: [Term] = []
    private var isNegated = false
    /// Other sets a character must be in as well (`&&`).
    private var others: [ScalarSet] = []
    /// The answers for ASCII, one bit a character; filled by `finish()`.
    private var ascii: (low: UInt64, high: UInt64)?

    static let whitespace = ScalarSet(.whitespace)
    static let wordCharacter = ScalarSet(.wordCharacter)
    static let digit = ScalarSet(.categories(GeneralCategories(mask: 1 << 8)))
    /// Everything but the line feed, as `.` in Oniguruma.
    static let anyButLineFeed = ScalarSet(.range(0x0A...0x0A)).inverted

    init() {}

    private init(_ term: Term) {
        terms = [term]
    }

    init(_ scalar: UInt32) {
        self.init(.range(scalar...scalar))
    }

    init(_ categories: GeneralCategories) {
        self.init(.categories(categories))
    }

    var inverted: ScalarSet {
        var set = ScalarSet(.nested(self))
        set.isNegated = true
        return set
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        terms.append(.range(range))
    }

    mutating func formUnion(_ other: ScalarSet) {
        terms.append(.nested(other))
    }

    mutating func formIntersection(_ other: ScalarSet) {
        others.append(other)
    }

    /// Adds the characters that differ from a member in case alone, where members are few enough
    /// to be listed (letters of ranges and single characters).
    mutating func addCaseVariants() {
        for case .range(let range) in terms where range.count <= 0x400 {
            for value in range {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for text in [
                    scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping,
                ] where text.unicodeScalars.count == 1 {
                    for variant in text.unicodeScalars where variant != scalar {
                        insert(variant.value...variant.value)
                    }
                }
                // The long s and the Kelvin and Ångström signs fold to these letters as well.
                switch value {
                case 0x53, 0x73: insert(0x17F...0x17F)
                case 0x4B, 0x6B: insert(0x212A...0x212A)
                case 0xC5, 0xE5: insert(0x212B...0x212B)
                default: break
                }
            }
        }
    }

    /// Precomputes the answers for ASCII.
    mutating func finish() {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for value in UInt32(0)..<128 where evaluate(value) {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
        ascii = (low, high)
    }

    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 128, let ascii {
            let word = scalar < 64 ? ascii.low : ascii.high
            return word >> UInt64(scalar & 63) & 1 == 1
        }
        return evaluate(scalar)
    }

    private func evaluate(_ value: UInt32) -> Bool {
        let isMember = terms.contains { term in
            switch term {
            case .range(let range): range.contains(value)
            case .categories(let categories):
                Unicode.Scalar(value).map { categories.contains($0) } ?? false
            case .whitespace: Unicode.Scalar(value)?.properties.isWhitespace ?? false
            case .wordCharacter: Self.isWordCharacter(value)
            case .nested(let set): set.contains(value)
            }
        }
        return isMember != isNegated && others.allSatisfy { $0.contains(value) }
    }

    /// `\w`: letters, marks, decimal digits and connecting punctuation (Oniguruma's definition).
    static func isWordCharacter(_ value: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(value) else { return false }
        let category = GeneralCategories.category(of: scalar)
        guard category != .unassigned else { return false }
        return scalar.properties.isAlphabetic || GeneralCategories.mark.contains(category)
            || category == .decimalNumber || category == .connectorPunctuation
    }

    static func == (a: ScalarSet, b: ScalarSet) -> Bool {
        a.terms == b.terms && a.isNegated == b.isNegated && a.others == b.others
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(terms)
        hasher.combine(isNegated)
        hasher.combine(others)
    }
}

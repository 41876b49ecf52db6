/// Sets of Unicode's general categories, one bit each.
struct GeneralCategories: Sendable, Hashable {
    let mask: UInt32

    /// Abbreviations in the order of their bits.
    private static let names = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    static let letter = GeneralCategories(mask: 0x1F)
    static let mark = GeneralCategories(mask: 0x7 << 5)
    static let number = GeneralCategories(mask: 0x7 << 8)
    static let punctuation = GeneralCategories(mask: 0x7F << 11)
    static let symbol = GeneralCategories(mask: 0xF << 18)
    static let separator = GeneralCategories(mask: 0x7 << 22)
    static let other = GeneralCategories(mask: 0x1F << 25)

    init(mask: UInt32) {
        self.mask = mask
    }

    /// The categories that a name in `\p{…}` stands for, or nil for an unknown one.
    init?(named name: String) {
        switch name {
        case "L", "Letter": self = .letter
        case "M", "Mark": self = .mark
        case "N", "Number": self = .number
        case "P", "Punct", "Punctuation": self = .punctuation
        case "S", "Symbol": self = .symbol
        case "Z", "Separator": self = .separator
        case "C", "Other": self = .other
        case "L&", "LC": self.init(mask: 0x7)
        default:
            guard let position = Self.names.firstIndex(of: name) else { return nil }
            self.init(mask: 1 << UInt32(position))
        }
    }

    /// The category of a character in Unicode 16, whichever version the standard library knows.
    ///
    /// Tokens must not change with the toolchain, and 16 is what the `tokenizers` library's
    /// expressions know; characters of later versions count as unassigned.
    static func category(of scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
        let properties = scalar.properties
        guard let age = properties.age, age.major <= 16 else {
            let category = properties.generalCategory
            // Private use has an age, surrogates are no scalars: what is left is unassigned.
            return category == .privateUse ? category : .unassigned
        }
        return properties.generalCategory
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        contains(Self.category(of: scalar))
    }

    func contains(_ category: Unicode.GeneralCategory) -> Bool {
        mask & Self.bit(of: category) != 0
    }

    static func bit(of category: Unicode.GeneralCategory) -> UInt32 {
        let position: UInt32 =
            switch category {
            case .uppercaseLetter: 0
            case .lowercaseLetter: 1
            case .titlecaseLetter: 2
            case .modifierLetter: 3
            case .otherLetter: 4
            case .nonspacingMark: 5
            case .spacingMark: 6
            case .enclosingMark: 7
            case .decimalNumber: 8
            case .letterNumber: 9
            case .otherNumber: 10
            case .connectorPunctuation: 11
            case .dashPunctuation: 12
            case .openPunctuation: 13
            case .closePunctuation: 14
            case .initialPunctuation: 15
            case .finalPunctuation: 16
            case .otherPunctuation: 17
            case .mathSymbol: 18
            case .currencySymbol: 19
            case .modifierSymbol: 20
            case .otherSymbol: 21
            case .spaceSeparator: 22
            case .lineSeparator: 23
            case .paragraphSeparator: 24
            case .control: 25
            case .format: 26
            case .surrogate: 27
            case .privateUse: 28
            case .unassigned: 29
            @unknown default: 29
            }
        return 1 << position
    }
}

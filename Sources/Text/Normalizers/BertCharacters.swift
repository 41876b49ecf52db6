/// What BERT's normalizer and pre-tokenizer take a character for.
///
/// The `tokenizers` library classifies by the tables of Unicode 8, whatever the rest of it knows,
/// and the tokens of a model depend on it: later characters are letters to it. The exceptions are
/// characters whose category has changed since.
enum BertCharacters {
    /// Whether cleaning drops a character: U+0000, U+FFFD, controls, formats and private use.
    static func isDropped(_ value: UInt32) -> Bool {
        if value < 0x80 { return value < 0x20 && !isPlainWhitespace(value) || value == 0x7F }
        if value == 0xFFFD { return true }
        switch category(value) {
        case .control, .format, .privateUse: return true
        default: return false
        }
    }

    /// Whether cleaning makes a space of a character.
    static func isWhitespace(_ value: UInt32) -> Bool {
        if value < 0x80 { return value == 0x20 || isPlainWhitespace(value) }
        return Unicode.Scalar(value)?.properties.isWhitespace ?? false
    }

    /// Tab, line feed and carriage return, which are controls otherwise.
    private static func isPlainWhitespace(_ value: UInt32) -> Bool {
        value == 0x09 || value == 0x0A || value == 0x0D
    }

    /// Whether stripping accents drops a character.
    static func isNonspacingMark(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x300: false
        case 0x1734, 0x1171E: true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
        default: category(value) == .nonspacingMark
        }
    }

    /// Whether a character is a piece of its own.
    static func isPunctuation(_ value: UInt32) -> Bool {
        switch value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E, 0x166D, 0x111C9: return true
        case 0..<0x80: return false
        default:
            return category(value).map(GeneralCategories.punctuation.contains) ?? false
        }
    }

    /// Whether a character is a word of its own: ideographs, but not kana or hangul. One block
    /// starts late, at U+2B920, as it does in the original.
    static func isIdeograph(_ value: UInt32) -> Bool {
        switch value {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF,
            0x2A700...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }

    /// The category of a character that Unicode 8 has.
    private static func category(_ value: UInt32) -> Unicode.GeneralCategory? {
        guard let properties = Unicode.Scalar(value)?.properties,
            let age = properties.age, age.major <= 8
        else { return nil }
        return properties.generalCategory
    }
}

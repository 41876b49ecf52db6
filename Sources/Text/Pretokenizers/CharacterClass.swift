import Synchronization

/// What a pre-tokenizer asks about a character: a set of classes, one bit each.
struct CharacterClass: OptionSet, Sendable, Hashable {
    let rawValue: UInt16

    /// Unicode's general categories, as `\p{L}`, `\p{M}`, `\p{N}`, `\p{P}` and `\p{S}`.
    static let letter = CharacterClass(rawValue: 1 << 0)
    static let mark = CharacterClass(rawValue: 1 << 1)
    static let number = CharacterClass(rawValue: 1 << 2)
    static let punctuation = CharacterClass(rawValue: 1 << 3)
    static let symbol = CharacterClass(rawValue: 1 << 4)
    /// `\s`: Unicode's property White_Space.
    static let whitespace = CharacterClass(rawValue: 1 << 5)
    /// `[\r\n]`
    static let newline = CharacterClass(rawValue: 1 << 6)
    /// The space U+0020.
    static let space = CharacterClass(rawValue: 1 << 7)
    /// `[A-Za-z]`
    static let asciiLetter = CharacterClass(rawValue: 1 << 8)
    /// The 32 ASCII characters that are neither letters, digits, spaces nor controls.
    static let asciiPunctuation = CharacterClass(rawValue: 1 << 9)
    /// The cased letters that DeepSeek LLM and V2 list.
    static let deepSeekLetter = CharacterClass(rawValue: 1 << 10)
    /// `[!-/:-~！-／：-～‘-‟　-。]`, as DeepSeek LLM and V2 write it (`:-~` spans the ASCII letters).
    static let deepSeekPunctuation = CharacterClass(rawValue: 1 << 11)
    /// `[一-龥ࠀ-一가-퟿]`, as DeepSeek LLM, V2 and Coder write it.
    static let deepSeekIdeograph = CharacterClass(rawValue: 1 << 12)
    /// `[一-龥぀-ゟ゠-ヿ]`, as DeepSeek-V3 writes it.
    static let deepSeekV3Ideograph = CharacterClass(rawValue: 1 << 13)
    /// What BERT takes for punctuation.
    static let bertPunctuation = CharacterClass(rawValue: 1 << 14)

    @inline(__always)
    func hasNone(of other: CharacterClass) -> Bool {
        rawValue & other.rawValue == 0
    }

    @inline(__always)
    func hasAny(of other: CharacterClass) -> Bool {
        rawValue & other.rawValue != 0
    }
}

/// The classes of every character, looked up in tables for those below U+10000.
///
/// `Unicode.Scalar.Properties` takes about 50 ns a question, a table 1 ns. A page of 256
/// characters is classified when one of them is first met, and never freed.
struct CharacterClassTable: @unchecked Sendable {
    private typealias Page = UnsafeMutablePointer<UInt16>

    /// The addresses of the pages, 0 where none has been asked for.
    private let pages: UnsafeMutablePointer<Atomic<UInt>>

    static let shared = CharacterClassTable()

    private init() {
        pages = .allocate(capacity: 256)
        for index in 0..<256 { (pages + index).initialize(to: Atomic(0)) }
    }

    /// Classifies a page; of two threads that do so at once the first is heeded.
    @inline(never)
    private func addPage(_ index: Int) -> Page {
        let page = Page.allocate(capacity: 256)
        for offset in 0..<256 {
            let scalar = Unicode.Scalar(UInt32(index << 8 | offset))
            page[offset] = scalar.map { Self.classify($0).rawValue } ?? 0
        }
        let (added, existing) = pages[index].compareExchange(
            expected: 0, desired: UInt(bitPattern: page), ordering: .acquiringAndReleasing)
        if added { return page }
        page.deallocate()
        return Page(bitPattern: existing) ?? addPage(index)
    }

    /// The classes of the character that starts at a position of well-formed UTF-8.
    ///
    /// - Precondition: `position` is the start of a character and `text` is well-formed.
    @inline(__always)
    func classify(
        _ text: UnsafeBufferPointer<UInt8>, at position: Int
    ) -> (classes: CharacterClass, end: Int) {
        let (scalar, end) = UTF8Text.decode(text, at: position)
        return (self[scalar], end)
    }

    @inline(__always)
    subscript(scalar: UInt32) -> CharacterClass {
        guard scalar < 0x10000 else { return Self.classifySupplementary(scalar) }
        let index = Int(scalar >> 8)
        let page = Page(bitPattern: pages[index].load(ordering: .acquiring)) ?? addPage(index)
        return CharacterClass(rawValue: page[Int(scalar & 0xff)])
    }

    @inline(never)
    private static func classifySupplementary(_ value: UInt32) -> CharacterClass {
        Unicode.Scalar(value).map(classify) ?? []
    }

    static func classify(_ scalar: Unicode.Scalar) -> CharacterClass {
        var classes: CharacterClass = []
        let value = scalar.value
        let category = GeneralCategories.category(of: scalar)
        if GeneralCategories.letter.contains(category) {
            classes.insert(.letter)
        } else if GeneralCategories.mark.contains(category) {
            classes.insert(.mark)
        } else if GeneralCategories.number.contains(category) {
            classes.insert(.number)
        } else if GeneralCategories.punctuation.contains(category) {
            classes.insert(.punctuation)
        } else if GeneralCategories.symbol.contains(category) {
            classes.insert(.symbol)
        }
        if scalar.properties.isWhitespace { classes.insert(.whitespace) }
        if value == 0x0A || value == 0x0D { classes.insert(.newline) }
        if value == 0x20 { classes.insert(.space) }
        if scalar.isASCII {
            if scalar.properties.isAlphabetic {
                classes.insert(.asciiLetter)
            } else if (0x21...0x7E).contains(value), !(0x30...0x39).contains(value) {
                classes.insert(.asciiPunctuation)
            }
        }
        if BertCharacters.isPunctuation(value) { classes.insert(.bertPunctuation) }
        if DeepSeekCharacters.isLetter(value) { classes.insert(.deepSeekLetter) }
        switch value {
        case 0x21...0x2F, 0x3A...0x7E, 0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F,
            0x3000...0x3002:
            classes.insert(.deepSeekPunctuation)
        default: break
        }
        switch value {
        case 0x0800...0x9FA5, 0xAC00...0xD7FF: classes.insert(.deepSeekIdeograph)
        default: break
        }
        switch value {
        case 0x4E00...0x9FA5, 0x3040...0x30FF: classes.insert(.deepSeekV3Ideograph)
        default: break
        }
        return classes
    }
}

/// Reading well-formed UTF-8 by position.
enum UTF8Text {
    /// The character that starts at a position, and the position after it.
    ///
    /// - Precondition: `position` is the start of a character and `text` is well-formed.
    @inline(__always)
    static func decode(
        _ text: UnsafeBufferPointer<UInt8>, at position: Int
    ) -> (scalar: UInt32, end: Int) {
        let lead = UInt32(text[position])
        if lead < 0x80 { return (lead, position + 1) }
        let second = UInt32(text[position + 1]) & 0x3F
        if lead < 0xE0 { return ((lead & 0x1F) << 6 | second, position + 2) }
        let third = UInt32(text[position + 2]) & 0x3F
        if lead < 0xF0 { return ((lead & 0x0F) << 12 | second << 6 | third, position + 3) }
        let fourth = UInt32(text[position + 3]) & 0x3F
        return ((lead & 0x07) << 18 | second << 12 | third << 6 | fourth, position + 4)
    }

    /// The start of the character that ends before a position.
    @inline(__always)
    static func characterStart(_ text: UnsafeBufferPointer<UInt8>, before position: Int) -> Int {
        var start = position - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// Appends the UTF-8 of a scalar.
    @inline(__always)
    static func append(_ scalar: UInt32, to text: inout [UInt8]) {
        switch scalar {
        case 0..<0x80:
            text.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            text.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            text.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        default:
            text.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            text.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
    }
}

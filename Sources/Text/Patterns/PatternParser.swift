/// What a pattern means, as a tree.
indirect enum PatternNode: Sendable, Hashable {
    case set(ScalarSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repetition(PatternNode, minimum: Int, maximum: Int?, isGreedy: Bool)
    /// A repetition of one set that never gives back what it took (`X++`).
    case possessive(ScalarSet, minimum: Int, maximum: Int?)
    /// Whether the next character is in a set, or is not; the end of the text is in none.
    case lookahead(ScalarSet, isNegative: Bool)
    case lineStart, lineEnd, textStart, textEnd
}

/// Reads the part of Oniguruma's syntax that tokenizer files use.
///
/// Supported: literals and escapes, bracket expressions with ranges, nesting and `&&`, `\p{…}` with
/// general categories, `\s \d \w` and their opposites, groups (plain, `(?:…)` and `(?i:…)`),
/// alternatives, `? * + {m,n}` greedy, lazy and, for one set, possessive, look-ahead at one
/// set, and the anchors `^ $ \A \z`. Everything else is refused by name.
struct PatternParser {
    private static let maximumNesting = 64
    private static let maximumRepetition = 1000
    /// Ten times the longest in use. Sets are looked through for each character.
    private static let maximumLength = 16_384

    private let pattern: String
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var nesting = 0

    static func parse(_ pattern: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(pattern)
        guard parser.scalars.count <= maximumLength else {
            throw parser.error("more than \(maximumLength) characters")
        }
        let node = try parser.readAlternatives(ignoresCase: false)
        guard parser.position == parser.scalars.count else {
            throw parser.error("')' without '('")
        }
        return node
    }

    private init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    private func error(_ detail: String) -> PatternError {
        PatternError(pattern: pattern, offset: position, detail: detail)
    }

    private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        position + distance < scalars.count ? scalars[position + distance] : nil
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard position + wanted.count <= scalars.count,
            scalars[position..<position + wanted.count].elementsEqual(wanted)
        else { return false }
        position += wanted.count
        return true
    }

    // MARK: Structure

    private mutating func readAlternatives(ignoresCase: Bool) throws(PatternError) -> PatternNode {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.maximumNesting else {
            throw error("more than \(Self.maximumNesting) groups inside each other")
        }
        var branches = [try readSequence(ignoresCase: ignoresCase)]
        while take("|") {
            branches.append(try readSequence(ignoresCase: ignoresCase))
        }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func readSequence(ignoresCase: Bool) throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next = peek(), next != "|", next != ")" {
            let atom = try readAtom(ignoresCase: ignoresCase)
            nodes.append(try readRepetitions(of: atom))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func readRepetitions(of atom: PatternNode) throws(PatternError) -> PatternNode
    {
        guard let (minimum, maximum) = try readCount() else { return atom }
        let node: PatternNode
        if take("?") {
            node = .repetition(atom, minimum: minimum, maximum: maximum, isGreedy: false)
        } else if take("+") {
            guard case .set(let set) = atom else {
                throw error("a possessive repetition of more than one set is not supported")
            }
            node = .possessive(set, minimum: minimum, maximum: maximum)
        } else {
            node = .repetition(atom, minimum: minimum, maximum: maximum, isGreedy: true)
        }
        if try readCount() != nil {
            throw error("a repetition of a repetition is not supported; group it")
        }
        return node
    }

    private mutating func readCount() throws(PatternError) -> (Int, Int?)? {
        if take("?") { return (0, 1) }
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        guard peek() == "{" else { return nil }
        position += 1
        let minimum = try readNumber()
        var maximum = minimum
        if take(",") { maximum = peek() == "}" ? nil : try readNumber() }
        guard take("}"), minimum != nil || maximum != nil else { throw error("expected '{m,n}'") }
        let low = minimum ?? 0
        if let maximum, maximum < low { throw error("'{m,n}' with m above n") }
        return (low, maximum)
    }

    private mutating func readNumber() throws(PatternError) -> Int? {
        var value: Int?
        while let digit = peek(), ("0"..."9").contains(digit) {
            let next = (value ?? 0) * 10 + Int(digit.value - 0x30)
            guard next <= Self.maximumRepetition else {
                throw error("more than \(Self.maximumRepetition) repetitions")
            }
            value = next
            position += 1
        }
        return value
    }

    private mutating func readAtom(ignoresCase: Bool) throws(PatternError) -> PatternNode {
        guard let scalar = peek() else { throw error("expected a character") }
        switch scalar {
        case "(": return try readGroup(ignoresCase: ignoresCase)
        case "[": return .set(try readBracket(ignoresCase: ignoresCase))
        case ".":
            position += 1
            return .set(.anyButLineFeed)
        case "^":
            position += 1
            return .lineStart
        case "$":
            position += 1
            return .lineEnd
        case "\\":
            if take("\\A") { return .textStart }
            if take("\\z") { return .textEnd }
            return .set(try readEscape(ignoresCase: ignoresCase))
        case "*", "+", "?", "{":
            throw error("'\(scalar)' with nothing to repeat")
        default:
            position += 1
            return .set(literal(scalar, ignoresCase: ignoresCase))
        }
    }

    private func literal(_ scalar: Unicode.Scalar, ignoresCase: Bool) -> ScalarSet {
        var set = ScalarSet(scalar.value)
        if ignoresCase { set.addCaseVariants() }
        return set
    }

    private mutating func readGroup(ignoresCase: Bool) throws(PatternError) -> PatternNode {
        let isLookahead: Bool
        var isNegative = false
        var ignoresCase = ignoresCase
        if take("(?:") {
            isLookahead = false
        } else if take("(?i:") {
            isLookahead = false
            ignoresCase = true
        } else if take("(?!") {
            isLookahead = true
            isNegative = true
        } else if take("(?=") {
            isLookahead = true
        } else if peek(1) == "?" {
            throw error("this kind of group is not supported; (…), (?:…), (?i:…), (?=…), (?!…) are")
        } else {
            position += 1
            isLookahead = false
        }
        let inside = try readAlternatives(ignoresCase: ignoresCase)
        guard take(")") else { throw error("expected ')'") }
        guard isLookahead else { return inside }
        guard case .set(let set) = inside else {
            throw error("look-ahead at more than one set of characters is not supported")
        }
        return .lookahead(set, isNegative: isNegative)
    }

    // MARK: Sets

    private mutating func readBracket(ignoresCase: Bool) throws(PatternError) -> ScalarSet {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.maximumNesting else {
            throw error("more than \(Self.maximumNesting) brackets inside each other")
        }
        position += 1
        let isNegated = take("^")
        var set = ScalarSet()
        var isFirst = true
        var operands: [ScalarSet] = []
        while true {
            guard let scalar = peek() else { throw error("expected ']'") }
            if scalar == "]", !isFirst { break }
            isFirst = false
            if take("&&") {
                operands.append(set)
                set = ScalarSet()
            } else if scalar == "[" {
                if peek(1) == ":" { throw error("'[:…:]' is not supported") }
                set.formUnion(try readBracket(ignoresCase: ignoresCase))
            } else {
                try readRange(into: &set)
            }
        }
        position += 1
        if ignoresCase { set.addCaseVariants() }
        for operand in operands { set.formIntersection(operand) }
        return isNegated ? set.inverted : set
    }

    private mutating func readRange(into set: inout ScalarSet) throws(PatternError) {
        guard let lower = try readSetCharacter(into: &set) else { return }
        guard peek() == "-", let after = peek(1), after != "]" else {
            set.insert(lower.value...lower.value)
            return
        }
        position += 1
        guard let upper = try readSetCharacter(into: &set) else {
            throw error("a range must end with one character")
        }
        guard lower <= upper else { throw error("a range whose end lies before its start") }
        set.insert(lower.value...upper.value)
    }

    /// One character of a bracket expression; a class such as `\s` goes into the set instead.
    private mutating func readSetCharacter(
        into set: inout ScalarSet
    ) throws(PatternError) -> Unicode.Scalar? {
        guard let scalar = peek() else { throw error("expected ']'") }
        guard scalar == "\\" else {
            position += 1
            return scalar
        }
        if let character = try readCharacterEscape() { return character }
        set.formUnion(try readClassEscape())
        return nil
    }

    private mutating func readEscape(ignoresCase: Bool) throws(PatternError) -> ScalarSet {
        if let character = try readCharacterEscape() {
            return literal(character, ignoresCase: ignoresCase)
        }
        return try readClassEscape()
    }

    /// An escape that stands for one character, or nil where it stands for a class.
    private mutating func readCharacterEscape() throws(PatternError) -> Unicode.Scalar? {
        guard let scalar = peek(1) else { throw error("'\\' at the end") }
        let character: Unicode.Scalar
        switch scalar {
        case "p", "P", "s", "S", "d", "D", "w", "W": return nil
        case "n": character = "\n"
        case "r": character = "\r"
        case "t": character = "\t"
        case "f": character = "\u{C}"
        case "v": character = "\u{B}"
        case "x", "u": return try readHexadecimalEscape()
        case "a"..."z", "A"..."Z", "0"..."9":
            throw error("'\\\(scalar)' is not supported")
        default: character = scalar
        }
        position += 2
        return character
    }

    /// `\xHH`, `\x{H…}`, `\uHHHH` or `\u{H…}`.
    private mutating func readHexadecimalEscape() throws(PatternError) -> Unicode.Scalar {
        let length = peek(1) == "x" ? 2 : 4
        position += 2
        let isBraced = take("{")
        var value: UInt32 = 0
        var count = 0
        while let scalar = peek(), let digit = Character(scalar).hexDigitValue,
            count < (isBraced ? 6 : length)
        {
            value = value << 4 | UInt32(digit)
            count += 1
            position += 1
        }
        guard count == length || (isBraced && count > 0), !isBraced || take("}"),
            let scalar = Unicode.Scalar(value)
        else {
            throw error("expected the hexadecimal number of a character")
        }
        return scalar
    }

    private mutating func readClassEscape() throws(PatternError) -> ScalarSet {
        guard let scalar = peek(1) else { throw error("'\\' at the end") }
        switch scalar {
        case "s", "S", "d", "D", "w", "W":
            position += 2
            let set: ScalarSet =
                switch scalar {
                case "s", "S": .whitespace
                case "d", "D": .digit
                default: .wordCharacter
                }
            return ("A"..."Z").contains(scalar) ? set.inverted : set
        default:
            return try readProperty()
        }
    }

    /// `\p{L}`, `\p{^L}`, `\P{L}` or `\pL`.
    private mutating func readProperty() throws(PatternError) -> ScalarSet {
        var isNegated = peek(1) == "P"
        position += 2
        var name = ""
        if take("{") {
            if take("^") { isNegated.toggle() }
            while let scalar = peek(), scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw error("expected '}'") }
        } else if let scalar = peek() {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard let categories = GeneralCategories(named: name) else {
            throw error(
                "the property '\(name.excerpt)' is not supported; general categories such as 'L', "
                    + "'Lu' and 'Nd' are")
        }
        let set = ScalarSet(categories)
        return isNegated ? set.inverted : set
    }
}

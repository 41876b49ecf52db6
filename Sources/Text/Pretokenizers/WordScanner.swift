/// The patterns that cut text into words, by the model that introduced them.
enum WordPattern: Sendable, CaseIterable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
    /// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case llama3
    /// As `llama3`, but digits stand alone: `\p{N}`.
    case qwen2
    /// `[asciiPunctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|
    /// \s*[\r\n]+|\s+(?!\S)|\s+`
    case deepSeekV3

    /// The pattern as tokenizer files write it.
    var expression: String {
        switch self {
        case .gpt2:
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        case .llama3:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"#
                + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .qwen2:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
                + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .deepSeekV3:
            ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
                + #"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"#
                + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
    }
}

/// Finds where the match of a word pattern that starts at a position ends.
struct WordScanner {
    let text: UnsafeBufferPointer<UInt8>
    let end: Int
    let classes: CharacterClassTable

    /// The end of the match at a position before the end, or nil where none starts there.
    @inline(__always)
    func matchEnd(of pattern: WordPattern, at position: Int) -> Int? {
        switch pattern {
        case .gpt2: gpt2(at: position)
        case .llama3: llama3(at: position, digits: 3)
        case .qwen2: llama3(at: position, digits: 1)
        case .deepSeekV3: deepSeekV3(at: position)
        }
    }

    private func gpt2(at position: Int) -> Int {
        let (first, next) = classes.classify(text, at: position)
        if text[position] == UInt8(ascii: "'"),
            let end = contractionEnd(after: next, ignoringCase: false)
        {
            return end
        }
        var body = first
        var bodyStart = position
        if first.contains(.space), next < end {
            body = classes.classify(text, at: next).classes
            bodyStart = next
        }
        if body.contains(.letter) { return endOfRun(of: .letter, from: bodyStart) }
        if body.contains(.number) { return endOfRun(of: .number, from: bodyStart) }
        if !body.contains(.whitespace) {
            return endOfRun(without: [.whitespace, .letter, .number], from: bodyStart)
        }
        return whitespaceEnd(from: position)
    }

    private func llama3(at position: Int, digits: Int) -> Int {
        let (first, next) = classes.classify(text, at: position)
        if text[position] == UInt8(ascii: "'"),
            let end = contractionEnd(after: next, ignoringCase: true)
        {
            return end
        }
        if first.contains(.letter) { return endOfRun(of: .letter, from: next) }
        let following = next < end ? classes.classify(text, at: next).classes : .whitespace
        if first.hasNone(of: [.newline, .number]), following.contains(.letter) {
            return endOfRun(of: .letter, from: next)
        }
        if first.contains(.number) {
            return endOfRun(of: .number, from: next, maximum: digits - 1)
        }
        let words: CharacterClass = [.whitespace, .letter, .number]
        if first.hasNone(of: words) || (first.contains(.space) && following.hasNone(of: words)) {
            return endOfRun(of: .newline, from: endOfRun(without: words, from: next))
        }
        return whitespaceEndPreferringLines(from: position)
    }

    private func deepSeekV3(at position: Int) -> Int? {
        let (first, next) = classes.classify(text, at: position)
        let following: CharacterClass =
            next < end ? classes.classify(text, at: next).classes : .newline
        if first.contains(.asciiPunctuation), following.contains(.asciiLetter) {
            return endOfRun(of: .asciiLetter, from: next)
        }
        let letters: CharacterClass = [.letter, .mark]
        if first.hasAny(of: letters) { return endOfRun(of: letters, from: next) }
        if first.hasNone(of: [.newline, .punctuation, .symbol]), following.hasAny(of: letters) {
            return endOfRun(of: letters, from: next)
        }
        let signs: CharacterClass = [.punctuation, .symbol]
        if first.hasAny(of: signs) || (first.contains(.space) && following.hasAny(of: signs)) {
            return endOfRun(of: .newline, from: endOfRun(of: signs, from: next))
        }
        return first.contains(.whitespace) ? whitespaceEndPreferringLines(from: position) : nil
    }

    // MARK: Parts

    private func endOfRun(
        of wanted: CharacterClass, from start: Int, maximum: Int = .max
    ) -> Int {
        var position = start
        var count = 0
        while position < end, count < maximum {
            let (found, next) = classes.classify(text, at: position)
            guard found.hasAny(of: wanted) else { break }
            position = next
            count += 1
        }
        return position
    }

    private func endOfRun(without unwanted: CharacterClass, from start: Int) -> Int {
        var position = start
        while position < end {
            let (found, next) = classes.classify(text, at: position)
            guard found.hasNone(of: unwanted) else { break }
            position = next
        }
        return position
    }

    /// `\s+(?!\S)|\s+`: all white space, less its last character where a word follows it.
    private func whitespaceEnd(from start: Int) -> Int {
        let runEnd = endOfRun(of: .whitespace, from: start)
        return lastWhitespaceLeftOut(start, runEnd)
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line end where there is one.
    private func whitespaceEndPreferringLines(from start: Int) -> Int {
        var position = start
        var lineEnd = start
        while position < end {
            let (found, next) = classes.classify(text, at: position)
            guard found.contains(.whitespace) else { break }
            position = next
            if found.contains(.newline) { lineEnd = next }
        }
        return lineEnd > start ? lineEnd : lastWhitespaceLeftOut(start, position)
    }

    private func lastWhitespaceLeftOut(_ start: Int, _ runEnd: Int) -> Int {
        guard runEnd < end else { return runEnd }
        let last = UTF8Text.characterStart(text, before: runEnd)
        return last > start ? last : runEnd
    }

    /// The end of `s|t|re|ve|m|ll|d` after an apostrophe, or nil.
    private func contractionEnd(after position: Int, ignoringCase: Bool) -> Int? {
        guard position < end else { return nil }
        let fold: UInt8 = ignoringCase ? 0x20 : 0
        // Under case folding the long s (U+017F) is an s.
        if ignoringCase, text[position] == 0xC5, position + 1 < end, text[position + 1] == 0xBF {
            return position + 2
        }
        let first = text[position] | fold
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return position + 1
        case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
            guard position + 1 < end else { return nil }
            let second = first == UInt8(ascii: "l") ? UInt8(ascii: "l") : UInt8(ascii: "e")
            return text[position + 1] | fold == second ? position + 2 : nil
        default:
            return nil
        }
    }
}

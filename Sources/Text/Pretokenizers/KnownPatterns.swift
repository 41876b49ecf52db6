extension SplitPattern {
    /// The scanner for an expression that a tokenizer file holds, or nil for an unknown one.
    init?(known expression: String) {
        guard let pattern = Self.known[Self.key(of: expression)] else { return nil }
        self = pattern
    }

    /// The scanner for an expression, or a compiled program and a warning for an unknown one.
    init(
        expression: String, warnings: inout [String]
    ) throws(TokenizerError.Reason) {
        if let known = SplitPattern(known: expression) {
            self = known
            return
        }
        do {
            self = .program(try PatternProgram(expression))
        } catch {
            throw .pattern(error)
        }
        warnings.append(
            "the pre-tokenizer pattern '\(expression.excerpt)' is not one of the known ones; the "
                + "general matcher runs it, more slowly")
    }

    /// Every expression that has a scanner written by hand.
    static let known: [String: SplitPattern] = {
        var known: [String: SplitPattern] = [
            #"[\r\n]"#: .scanned(.run(leading: [], body: .newline, maximum: 1)),
            #"\s+$"#: .scanned(.trailingWhitespace),
            #"\s?\p{L}+"#: .scanned(.run(leading: .whitespace, body: .letter, maximum: .max)),
            #"\s?\p{P}+"#: .scanned(.run(leading: .whitespace, body: .punctuation, maximum: .max)),
            #"\p{N}{1,3}"#: .scanned(.run(leading: [], body: .number, maximum: 3)),
            #"\p{N}+"#: .scanned(.run(leading: [], body: .number, maximum: .max)),
            #"\p{N}"#: .scanned(.run(leading: [], body: .number, maximum: 1)),
            "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+":
                .scanned(.run(leading: [], body: .deepSeekIdeograph, maximum: .max)),
            "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+":
                .scanned(.run(leading: [], body: .deepSeekV3Ideograph, maximum: .max)),
            "\\s?[!-/:-~\u{FF01}-\u{FF0F}\u{FF1A}-\u{FF5E}\u{2018}-\u{201F}\u{3000}-\u{3002}]+":
                .scanned(.run(leading: .whitespace, body: .deepSeekPunctuation, maximum: .max)),
            DeepSeekCharacters.letterExpression:
                .scanned(.run(leading: .whitespace, body: .deepSeekLetter, maximum: .max)),
        ]
        for words in WordPattern.allCases {
            known[key(of: words.expression)] = .scanned(.words(words))
        }
        return known
    }()

    /// An expression with its line ends escaped: some files hold them as they are.
    private static func key(of expression: String) -> String {
        var key = String.UnicodeScalarView()
        for scalar in expression.unicodeScalars {
            switch scalar {
            case "\r": key.append(contentsOf: "\\r".unicodeScalars)
            case "\n": key.append(contentsOf: "\\n".unicodeScalars)
            default: key.append(scalar)
            }
        }
        return String(key)
    }
}

extension DeepSeekCharacters {
    /// The pattern as tokenizer files write it: `\s?[A-Za-zµ…]+`.
    fileprivate static var letterExpression: String {
        var expression = "\\s?["
        for range in letters {
            guard let lower = Unicode.Scalar(range.lowerBound),
                let upper = Unicode.Scalar(range.upperBound)
            else { continue }
            expression.unicodeScalars.append(lower)
            if lower != upper {
                expression += "-"
                expression.unicodeScalars.append(upper)
            }
        }
        return expression + "]+"
    }
}

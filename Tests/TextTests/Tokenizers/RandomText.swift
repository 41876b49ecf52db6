import FathomTestSupport

/// Random text that mixes scripts, spaces, signs and marks as they seldom meet.
enum RandomText {
    private static let pools: [[Unicode.Scalar]] = [
        "abcXYZ", "0123456789", "   \t\n\r", "'\"!?.,;:-_()[]{}<>/\\|@#$%^&*+=~`", "éüñçßøÅàËﬁﬀſK",
        "日本語中文漢字ひらカナ한국어각", "\u{301}\u{308}\u{327}\u{323}\u{345}\u{200D}\u{200B}\u{FE0F}",
        "😀👍🏽👨", "\u{A0}\u{2003}\u{3000}\u{85}\u{2028}\u{2029}\u{1680}\u{B}\u{C}\u{1C}",
        "ⅷ²½①٣९", "«»‘’“”…—！？。、", "ЖджΑβαאבعرไทย", "\u{10400}\u{1D7D8}\u{E0001}",
    ].map { Array($0.unicodeScalars) }
    private static let words: [String] = [
        "'s", "'t", "'re", "'VE", "'M", "'ll", "'D", "'ſ", "Hello", " world", "\r\n", "  ",
        "<｜", "｜>", "<think>", "DeepSeek",
    ]

    static func next(_ generator: inout SeededGenerator, length: Int = 30) -> String {
        var text = String.UnicodeScalarView()
        let wanted = Int.random(in: 1...length, using: &generator)
        while text.count < wanted {
            if Int.random(in: 0..<6, using: &generator) == 0 {
                let word = words[Int.random(in: 0..<words.count, using: &generator)]
                text.append(contentsOf: word.unicodeScalars)
                continue
            }
            let pool = pools[Int.random(in: 0..<pools.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                text.append(pool[Int.random(in: 0..<pool.count, using: &generator)])
            }
        }
        return String(text)
    }
}

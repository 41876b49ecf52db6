import FathomJSON
import FathomTestSupport
import FathomText
import Testing

/// The canonical ids of Engram against those of the published demo.
@Suite struct CanonicalVocabularyTests {
    private static let deepSeek = Result {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        return (tokenizer, CanonicalVocabulary(tokenizer))
    }

    @Test("the trained tokenizer has the demo's canonical ids, 905 of 1028")
    func fixtureTable() throws {
        let vocabulary = CanonicalVocabulary(try TokenizerFixtures.tokenizer("16-trained-bpe"))
        let expected = try Self.storedTable()
        let isSame = vocabulary.canonicalIDs.map(Int64.init) == expected
        #expect(isSame)
        #expect(vocabulary.count == 905)
    }

    /// The tensor `lookup_table` of the fixture, read by hand: texts know no tensors.
    private static func storedTable() throws -> [Int64] {
        let bytes = try Fixtures.bytes("08-engram/cases.safetensors")
        func number(at start: Int) -> UInt64 {
            bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let data = 8 + Int(number(at: 0))
        let header = try JSONValue(parsing: bytes[8..<data])
        let entry = try #require(header["lookup_table"])
        #expect(entry["dtype"]?.stringValue == "I64")
        let range = try #require(entry["data_offsets"]?.arrayValue).compactMap(\.intValue)
        return stride(from: range[0], to: range[1], by: 8).map {
            Int64(bitPattern: number(at: data + $0))
        }
    }

    @Test("the trained tokenizer's keys are the demo's, byte by byte")
    func fixtureKeys() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-bpe")
        let keys = try #require(
            JSONValue(parsing: Fixtures.bytes("08-engram/compressed_keys.json")).arrayValue)
        #expect(keys.count == tokenizer.vocabularySize)
        for (id, key) in keys.enumerated() {
            let found = CanonicalVocabulary.key(of: Int32(id), in: tokenizer)
            #expect(found == Array(try #require(key.stringValue).utf8), "token \(id)")
        }
    }

    @Test("ids outside the vocabulary pass through")
    func outside() throws {
        let vocabulary = CanonicalVocabulary(try TokenizerFixtures.tokenizer("16-trained-bpe"))
        #expect(vocabulary.map([-100, -1, 1028, .max]) == [-100, -1, 1028, .max])
    }

    @Test("DeepSeek-V3's 128,815 tokens have 98,627 canonical ids, 23.43 % fewer")
    func deepSeekCount() throws {
        let (tokenizer, vocabulary) = try Self.deepSeek.get()
        #expect(tokenizer.vocabularySize == 128_815)
        #expect(vocabulary.count == 98_627)
        #expect(abs(vocabulary.reduction - 0.2343) < 0.0001)
        // The padding token of the published configuration.
        #expect(vocabulary[2] == 2)
    }

    @Test("DeepSeek-V3's largest groups are the paper's: 163, 54, 40, 35 and 30 tokens")
    func deepSeekGroups() throws {
        let (tokenizer, vocabulary) = try Self.deepSeek.get()
        var sizes: [Int32: Int] = [:]
        for id in vocabulary.canonicalIDs { sizes[id, default: 0] += 1 }
        #expect(sizes.values.sorted(by: >).prefix(5) == [163, 54, 40, 35, 30])
        for (text, size) in [(" ", 163), ("a", 54), ("o", 40), ("e", 35), ("i", 30)] {
            let id = try #require(tokenizer.encode(text).first)
            #expect(sizes[vocabulary[id]] == size, "'\(text)'")
        }
    }

    @Test("works when 3: 'Apple', ' apple' and 'APPLE' share an id; byte fragments stay distinct")
    func compression() throws {
        let (tokenizer, vocabulary) = try Self.deepSeek.get()
        // 'APPLE' is two tokens of this tokenizer; 'THE' is one.
        for words in [["Apple", " apple", " Apple"], ["The", " the", "THE", " THE"]] {
            let ids = try words.map { word in
                let ids = tokenizer.encode(word)
                #expect(ids.count == 1, "'\(word)'")
                return vocabulary[try #require(ids.first)]
            }
            #expect(Set(ids).count == 1, "\(words): \(ids)")
        }
        let keys = ["Apple", " apple", "APPLE"].map {
            CanonicalVocabulary.simplified(Array($0.utf8))
        }
        #expect(Set(keys) == [Array("apple".utf8)])
        let fragments = (0..<Int32(tokenizer.vocabularySize)).filter { id in
            tokenizer.decode([id]).unicodeScalars.contains("\u{FFFD}")
        }
        let distinctCount = Set(fragments.map { vocabulary[$0] }).count
        #expect(fragments.count > 100)
        #expect(distinctCount == fragments.count)
    }

    @Test("a sentence has the canonical ids that were computed with the demo's recipe")
    func sentence() throws {
        let (tokenizer, vocabulary) = try Self.deepSeek.get()
        let ids = tokenizer.encode("Only Alexander the Great could tame the horse Bucephalus.")
        #expect(
            ids == [
                22898, 19737, 270, 9327, 1494, 112253, 270, 15000, 406, 11999, 25670, 349, 16,
            ])
        #expect(
            vocabulary.map(ids) == [
                1134, 15695, 237, 2049, 1260, 85761, 237, 12071, 36, 9745, 20232, 290, 16,
            ])
    }

    @Test(
        "texts are compared without case, accents, compatibility forms and white space",
        arguments: [
            ("  Apple\t\r\n ", "apple"), ("\u{FF21}\u{FF42}", "ab"), ("ﬁne", "fine"),
            ("²½", "21\u{2044}2"), ("É\u{301}", "e"), ("a \n\t b", "a b"), ("\u{A0}", " "),
            (" \n ", " "), ("\u{B}\u{C}", ""), ("\u{301}", ""), ("가", "\u{1100}\u{1161}"),
            ("\u{E000}x", " x"), ("ﷺ", "صلى الله عليه وسلم"), ("𝐀𝟙", "a1"), ("ｶﾞ", "カ"),
            ("İ", "i"), ("ẞ", "ß"), ("", ""),
        ])
    func simplification(text: String, expected: String) {
        let found = CanonicalVocabulary.simplified(Array(text.utf8))
        #expect(found == Array(expected.utf8), "\(String(decoding: found, as: UTF8.self))")
    }
}

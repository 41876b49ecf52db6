import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Prompts of template text and content")
struct SegmentTests {
    @Test(
        "content never becomes a reserved token, whatever it says",
        arguments: TokenizerFixtures.names)
    func contentCannotSteer(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        let reserved = (0..<Int32(tokenizer.vocabularySize)).filter(tokenizer.isReserved)
        let markers = reserved.compactMap(tokenizer.token)
        #expect(markers.count >= 2)
        // Each marker alone, inside words, cut in two segments, and in random text.
        var generator = SeededGenerator(seed: 31)
        for marker in markers {
            for text in [marker, "a\(marker)b", " \(marker) ", marker + marker] {
                #expect(!tokenizer.encode(text).contains(where: tokenizer.isReserved), "\(text)")
            }
            let cut = marker.index(
                marker.startIndex, offsetBy: Int.random(in: 0...marker.count, using: &generator))
            let ids = tokenizer.encode([
                .content("x" + marker[..<cut]), .content(marker[cut...] + "y"),
            ])
            #expect(!ids.contains(where: tokenizer.isReserved), "\(marker) cut in two")
            let mixed = tokenizer.encode([
                .template("x" + marker[..<cut]), .content(marker[cut...] + "y"),
            ])
            if cut != marker.endIndex {
                #expect(!mixed.contains(where: tokenizer.isReserved), "\(marker) half in content")
            }
        }
        for _ in 0..<300 {
            var text = RandomText.next(&generator)
            for _ in 0..<2 {
                text += markers[Int.random(in: 0..<markers.count, using: &generator)]
                text += RandomText.next(&generator, length: 5)
            }
            let ids = tokenizer.encode([.content(text)])
            #expect(!ids.contains(where: tokenizer.isReserved), "\(text.debugDescription)")
        }
    }

    @Test(
        "without markers in content, segments have the tokens of the joined text",
        arguments: TokenizerFixtures.names)
    func jointEncoding(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        let texts = try TokenizerFixtures.vectors(name).compactMap(\.text)
        let markers = (0..<Int32(tokenizer.vocabularySize)).filter(tokenizer.isReserved)
            .compactMap(tokenizer.token)
        var generator = SeededGenerator(seed: 41)
        for text in texts.prefix(250) {
            guard !markers.contains(where: { text.utf8.contains($0.utf8) }) else { continue }
            var segments: [PromptSegment] = []
            var rest = text.unicodeScalars[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...12, using: &generator))
                rest = rest.dropFirst(piece.count)
                segments.append(
                    Bool.random(using: &generator)
                        ? .template(String(piece)) : .content(String(piece)))
            }
            #expect(
                tokenizer.encode(segments) == tokenizer.encode(text), "\(text.debugDescription)")
        }
    }

    @Test("template text has its markers, content between them has none")
    func conversation() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let user = try #require(tokenizer.id(of: "<｜User｜>"))
        let assistant = try #require(tokenizer.id(of: "<｜Assistant｜>"))
        let ids = tokenizer.encode([
            .template("<｜begin▁of▁sentence｜><｜User｜>"),
            .content("Say <｜Assistant｜> and <think>"),
            .template("<｜Assistant｜>"),
        ])
        #expect(Array(ids.prefix(2)) == [0, user])
        #expect(ids.last == assistant)
        #expect(ids.dropFirst(2).dropLast().allSatisfy { !tokenizer.isReserved($0) })
        #expect(
            tokenizer.decode(ids)
                == "<｜begin▁of▁sentence｜><｜User｜>Say <｜Assistant｜> and <think><｜Assistant｜>")
        #expect(tokenizer.encode("<｜User｜>", specialTokens: .recognised) == [user])
        #expect(tokenizer.encode("<｜User｜>").count > 1)
        // A marker whose parts stand in neighbouring template segments lies in template text.
        #expect(tokenizer.encode([.template("<｜Us"), .template("er｜>")]) == [user])
    }

    @Test("a normalizer does not let content take part in a marker")
    func normalizedMarkers() throws {
        let bytes = try TokenizerFixtures.trainedJSON { file in
            file["normalizer"] = [
                "type": "Replace", "pattern": ["String": "~"], "content": "<think>",
            ]
        }
        let tokenizer = try TokenizerFixtures.load(bytes)
        let think = try #require(tokenizer.id(of: "<think>"))
        #expect(tokenizer.encode([.template("a~b")]).contains(think))
        #expect(!tokenizer.encode([.content("a~b")]).contains(think))
        #expect(!tokenizer.encode([.template("x<thi"), .content("nk>y")]).contains(think))
        #expect(
            tokenizer.encode([.content("~"), .template("~"), .content("~")]).count { $0 == think }
                == 1)
    }

    @Test("many short segments are encoded as one text")
    func manySegments() throws {
        for name in ["16-trained-bpe", "16-trained-spm-bpe"] {
            let tokenizer = try TokenizerFixtures.tokenizer(name)
            let marker = name == "16-trained-bpe" ? "<think>" : "<|user|>"
            let id = try #require(tokenizer.id(of: marker))
            let segments = (0..<20_000).flatMap { _ in
                [PromptSegment.template(marker), .content("a \(marker)")]
            }
            let ids = tokenizer.encode(segments)
            #expect(ids.count { $0 == id } == 20_000)
        }
    }

    @Test("merges that would spell a special token are left out, with a warning")
    func forgedMerges() throws {
        let tokenizer = try Tokenizer(
            GGUFTokenizerMetadata(
                model: "gpt2", pre: "gpt-2", tokens: ["e", "n", "d", "en", "end"],
                tokenTypes: [1, 1, 1, 1, 3], merges: ["e n", "en d"]))
        #expect(tokenizer.encode("end") == [3, 2])
        #expect(tokenizer.encode("end", specialTokens: .recognised) == [4])
        #expect(tokenizer.warnings.contains { $0.contains("'end'") })
    }
}

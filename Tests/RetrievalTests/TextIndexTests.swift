import FathomRetrieval
import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Indexes of small folders, by a random model.
@Suite struct TextIndexTests {
    private static let documents = [
        ("guide.md", "# Install\n\nCopy the files.\n\n# License\n\nApache License, Version 2.0\n"),
        ("notes.txt", "no warranties of any kind\n\nzebra crossing\n"),
        ("code/a.swift", "func grant() {\n    copyright()\n}\n\nfunc deny() {\n    x()\n}\n"),
        ("empty.txt", ""),
    ]

    /// A folder with the documents and some things that are none.
    private static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try makeFolder(folder("code"))
        for (name, text) in documents { try folder.write(text.utf8, to: name) }
        try folder.write([0x7F, 0x45, 0x00, 0x01], to: "binary")
        try folder.write([0xC3, 0x28], to: "latin.txt")
        try folder.write("hidden zebra".utf8, to: ".hidden")
        try makeFolder(folder(".git"))
        try folder.write("zebra".utf8, to: ".git/config")
        #expect(symlink("/etc", folder("outside")) == 0)
        #expect(symlink("notes.txt", folder("link.txt")) == 0)
        return folder
    }

    private static func makeFolder(_ path: String) throws {
        try #require(mkdir(path, 0o700) == 0)
    }

    private static func indexer(
        _ folder: TemporaryFolder, _ index: String,
        _ change: (inout TextIndexSettings) -> Void = { _ in }
    ) throws -> TextIndexer {
        var settings = TextIndexSettings(model: "tiny")
        settings.passageTokens = 30
        settings.overlapTokens = 4
        change(&settings)
        return TextIndexer(
            folder: folder.path, index: index, encoder: try SentenceEncoderTests.tiny(),
            settings: settings)
    }

    @Test("a folder's texts are found by words, by meaning, and by both, at their places")
    func search() throws {
        let folder = try Self.folder()
        let output = try TemporaryFolder()
        let report = try Self.indexer(folder, output.path).update()
        #expect(report.fileCount == 4 && report.addedFiles == 4 && report.changedFiles == 0)
        #expect(report.skippedFiles == ["not UTF-8 text": 2])
        let index = try TextIndex(contentsOf: output.path)
        #expect(index.passageCount == report.passageCount && index.model == "tiny")
        let encoder = try SentenceEncoderTests.tiny()

        let words = try index.search("zebra", k: 5, mode: .bm25, encoder: nil)
        #expect(words.map(\.path) == ["notes.txt"])
        #expect(words[0].lines == 1...3 && words[0].bm25?.rank == 1 && words[0].vector == nil)
        #expect(index.text(of: words[0]) == .text("no warranties of any kind\n\nzebra crossing"))

        // Of a text that is indexed the nearest is itself.
        let text = "no warranties of any kind\n\nzebra crossing"
        let near = try index.search(text, k: 3, mode: .vector, encoder: encoder)
        #expect(near[0].path == "notes.txt" && near[0].score > 0.9999)

        let both = try index.search("zebra", k: 100, encoder: encoder)
        #expect(both.count == index.passageCount)
        let place = try #require(both.first { $0.path == "notes.txt" })
        let rank = try #require(place.vector?.rank)
        #expect(place.score == 1 / (60 + Double(rank)) + 1 / 61.0)
        #expect(throws: RetrievalError.self) { try index.search("zebra", k: 1, encoder: nil) }
    }

    @Test(
        "an index brought up to date is the one made anew, whatever changed",
        arguments: ["Flat", "HNSW8", "SQ8"])
    func incremental(factory: String) throws {
        let folder = try Self.folder()
        let (output, fresh) = (try TemporaryFolder(), try TemporaryFolder())
        func update(_ index: TemporaryFolder) throws -> TextIndexReport {
            try Self.indexer(folder, index.path) { $0.factory = factory }.update()
        }
        _ = try update(output)
        #expect(try update(output).isUnchanged)
        try folder.write("no warranties\n\na giraffe now\n".utf8, to: "notes.txt")
        try folder.write("another text".utf8, to: "code/b.txt")
        #expect(unlink(folder("guide.md")) == 0)
        // Written again, with the same content.
        try folder.write(Self.documents[2].1.utf8, to: "code/a.swift")
        let report = try update(output)
        #expect(report.addedFiles == 1 && report.changedFiles == 1 && report.removedFiles == 1)
        #expect(report.embeddedPassages == 2)
        _ = try update(fresh)
        func parts(_ folder: TemporaryFolder) throws -> [String: [UInt8]] {
            var parts: [String: [UInt8]] = [:]
            for name in folder.contents where name != "manifest.json" {
                parts[String(name.prefix { $0 != "-" })] = try readBytes(folder(name))
            }
            return parts
        }
        // Older generations are gone, and what is left is the same byte for byte.
        #expect(output.contents.count == (factory == "Flat" ? 4 : 5))
        #expect(try parts(output) == parts(fresh))
        let index = try TextIndex(contentsOf: output.path)
        #expect(
            try index.search("giraffe", k: 2, mode: .bm25, encoder: nil).map(\.path) == [
                "notes.txt"
            ])
        #expect(try index.search("install", k: 2, mode: .bm25, encoder: nil).isEmpty)
    }

    @Test("the vectors are a file of Faiss's format, a row a passage")
    func vectors() throws {
        let folder = try Self.folder()
        let output = try TemporaryFolder()
        let report = try Self.indexer(folder, output.path).update()
        let vectors = try #require(
            try IndexFile.read(output("vectors-1.faiss")).vectorIndex)
        #expect(vectors.count == report.passageCount && vectors.metric == .innerProduct)
    }

    @Test("an end in the middle, and a factory that fails, leave the index as it was")
    func keepsOldIndex() throws {
        let folder = try Self.folder()
        let output = try TemporaryFolder()
        _ = try Self.indexer(folder, output.path).update()
        let before = output.contents
        let manifest = try readBytes(output("manifest.json"))
        try folder.write("something else".utf8, to: "notes.txt")
        var asked = 0
        #expect(throws: RetrievalError.cancelled) {
            try Self.indexer(folder, output.path).update(isCancelled: {
                asked += 1
                return asked > 2
            })
        }
        #expect(throws: (any Error).self) {
            try Self.indexer(folder, output.path) { $0.factory = "PQ3" }.update()
        }
        #expect(throws: (any Error).self) {
            try Self.indexer(folder, output.path) { $0.factory = "IVF4096,Flat" }.update()
        }
        #expect(output.contents == before)
        #expect(try readBytes(output("manifest.json")) == manifest)
        // The changed file is not shown as if it were what was indexed.
        let index = try TextIndex(contentsOf: output.path)
        let hit = try #require(
            try index.search("zebra", k: 1, mode: .bm25, encoder: nil).first)
        #expect(index.text(of: hit) == .changed)
    }

    @Test("other settings and another embedder make everything anew, and say so")
    func rebuilds() throws {
        let folder = try Self.folder()
        let output = try TemporaryFolder()
        _ = try Self.indexer(folder, output.path).update()
        let report = try Self.indexer(folder, output.path) { $0.overlapTokens = 0 }.update()
        #expect(report.rebuildReason?.contains("cut in another way") == true)
        #expect(report.embeddedPassages == report.passageCount)

        let index = try TextIndex(contentsOf: output.path)
        let other = try SentenceEncoder(
            contentsOf: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        #expect(throws: RetrievalError.self) {
            try index.search("zebra", k: 1, mode: .vector, encoder: other)
        }
    }

    @Test("a folder without documents has an index, in which nothing is found")
    func emptyFolder() throws {
        let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
        let report = try Self.indexer(folder, output.path).update()
        #expect(report.fileCount == 0 && report.passageCount == 0)
        let index = try TextIndex(contentsOf: output.path)
        let encoder = try SentenceEncoderTests.tiny()
        for mode in TextIndex.Mode.allCases {
            #expect(try index.search("zebra", k: 3, mode: mode, encoder: encoder).isEmpty)
        }
        try folder.write("zebra".utf8, to: "a.txt")
        #expect(try Self.indexer(folder, output.path).update().addedFiles == 1)
    }

    @Test("folders that are none, or hold something else, are refused")
    func refusals() throws {
        let folder = try Self.folder()
        #expect(throws: RetrievalError.noIndex(path: folder.path)) {
            try TextIndex(contentsOf: folder.path)
        }
        #expect(throws: RetrievalError.noIndex(path: "/no/such/folder")) {
            try TextIndex(contentsOf: "/no/such/folder")
        }
        #expect(throws: RetrievalError.notAnIndexFolder(path: folder.path)) {
            try Self.indexer(folder, folder.path).update()
        }
        let output = try TemporaryFolder()
        let encoder = try SentenceEncoderTests.tiny()
        #expect(throws: RetrievalError.notAFolder(path: "/no/such/folder")) {
            try TextIndexer(
                folder: "/no/such/folder", index: output.path, encoder: encoder,
                settings: TextIndexSettings(model: "tiny")
            ).update()
        }
        // An index inside of what it indexes is not indexed itself.
        let inner = folder("index")
        #expect(try Self.indexer(folder, inner).update().fileCount == 4)
        #expect(try Self.indexer(folder, inner).update().isUnchanged)
    }

    @Test("damaged files of an index are refused, or what is found lies in it")
    func damage() throws {
        let folder = try Self.folder()
        let output = try TemporaryFolder()
        _ = try Self.indexer(folder, output.path).update()
        let encoder = try SentenceEncoderTests.tiny()
        for name in output.contents {
            let original = try readBytes(output(name))
            var flips = ByteFlips(original, seed: 77)
            try flips.forEach("text-index-\(name)", count: 150) { bytes in
                try output.write(bytes, to: name)
                guard let index = try? TextIndex(contentsOf: output.path),
                    let hits = try? index.search("zebra license", k: 9, encoder: encoder)
                else { return }
                for hit in hits { _ = index.text(of: hit) }
                #expect(hits.count <= index.passageCount)
            }
            try output.write(original, to: name)
        }
        #expect(try Self.indexer(folder, output.path).update().isUnchanged)
    }
}

import FathomJSON
import FathomRetrieval
import FathomVectors

/// A question to an index of texts, and how its answer is written.
struct TextSearch {
    let index: String
    let question: String
    let k: Int
    let mode: TextIndex.Mode
    let model: String?
    let parameters: SearchParameters
    let threads: ThreadOptions

    func run(asJSON: Bool) async throws {
        let texts = try TextIndex(contentsOf: index)
        let encoder =
            mode == .bm25
            ? nil : try await Embedder.load(model ?? texts.model, threads: threads).encoder
        let hits = try texts.search(
            question, k: k, mode: mode, encoder: encoder, parameters: parameters)
        if asJSON {
            let object = JSONObject([
                ("question", .string(question)), ("mode", .string(mode.rawValue)),
                ("folder", .string(texts.folder)), ("hits", .array(hits.map { json($0, texts) })),
            ])
            StandardOutput.write(JSONValue.object(object).serialized() + "\n")
            return
        }
        if hits.isEmpty { StandardError.write("nothing was found\n") }
        var output = LineOutput()
        for hit in hits {
            output.write(Terminal.safe(heading(hit)))
            switch texts.text(of: hit) {
            case .text(let text):
                for line in Self.snippet(text) { output.write("    " + Terminal.safe(line)) }
            case .changed:
                output.write("    (changed since it was indexed; run `fathom index text` again)")
            }
        }
        output.flush()
    }

    /// `notes/a.md:12-20  0.0325  vector 1 (0.712)  bm25 3 (8.21)`
    private func heading(_ hit: TextIndex.Hit) -> String {
        let digits = mode == .hybrid ? 4 : 3
        var text = "\(hit.path):\(hit.lines.lowerBound)-\(hit.lines.upperBound)"
        text += "  \(Format.fixed(hit.score, digits))"
        guard mode == .hybrid else { return text }
        if let place = hit.vector {
            text += "  vector \(place.rank) (\(Format.fixed(place.score, 3)))"
        }
        if let place = hit.bm25 {
            text += "  bm25 \(place.rank) (\(Format.fixed(place.score, 2)))"
        }
        return text
    }

    /// The first lines of a passage that say something.
    private static func snippet(_ text: String) -> [String] {
        let lines = text.split { $0.isNewline }
            .map { $0.drop { $0 == " " || $0 == "\t" } }
            .filter { !$0.isEmpty }
        return lines.prefix(4).map { line in
            line.count > 100 ? line.prefix(99) + "…" : String(line)
        }
    }

    private func json(_ hit: TextIndex.Hit, _ texts: TextIndex) -> JSONValue {
        func place(_ place: TextIndex.Hit.Place?) -> JSONValue {
            guard let place else { return .null }
            return .object(
                JSONObject([("rank", .integer(place.rank)), ("score", .number(place.score))]))
        }
        var object = JSONObject([
            ("file", .string(hit.path)), ("first_line", .integer(hit.lines.lowerBound)),
            ("last_line", .integer(hit.lines.upperBound)), ("score", .number(hit.score)),
            ("vector", place(hit.vector)), ("bm25", place(hit.bm25)),
        ])
        switch texts.text(of: hit) {
        case .text(let text): object["text"] = .string(text)
        case .changed: object["text"] = .null
        }
        return .object(object)
    }
}

import FathomVectors

/// What an index knows of its passages, for building the next one from it.
struct PreviousIndex {
    let manifest: TextIndexManifest
    let table: PassageTable
    /// The first passage of each file, and the number of passages.
    let starts: [Int]
    private let terms: TermIndex
    private let counts: [[(term: Int32, count: Int32)]]
    private let embeddings: [Float]

    /// - Throws: `RetrievalError.damaged`, `IndexFileError`, `SafetensorsError`, `FileError`.
    init(_ manifest: TextIndexManifest, in folder: String) throws {
        self.manifest = manifest
        let count = manifest.passageCount
        table = try PassageTable(
            contentsOf: "\(folder)/\(manifest.passagesName)", passageCount: count,
            dimension: manifest.dimension)
        starts = manifest.files.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.passageCount) }
        let termsPath = "\(folder)/\(manifest.termsName)"
        terms = try TermIndex(contentsOf: termsPath, passageCount: count)
        do {
            counts = try terms.countsByPassage()
        } catch {
            throw RetrievalError.damaged(path: termsPath, reason: "a list of passages is damaged")
        }
        guard manifest.keepsWholeVectors else {
            let file = try IndexTensors(path: "\(folder)/\(manifest.embeddingsName)")
            embeddings = try file.floats("embeddings", count: count * manifest.dimension)
            try file.checkIntact()
            return
        }
        let path = "\(folder)/\(manifest.vectorsName)"
        guard let index = try IndexFile.read(path).vectorIndex, index.count == count,
            index.dimension == manifest.dimension
        else {
            throw RetrievalError.damaged(path: path, reason: "its vectors are not those listed")
        }
        var rows: [Float] = []
        rows.reserveCapacity(count * manifest.dimension)
        for row in 0..<count { rows += try index.reconstruct(Int64(row)) }
        embeddings = rows
    }

    /// The passages of a file.
    func passages(ofFile file: Int) -> Range<Int> { starts[file]..<starts[file + 1] }

    func embedding(_ passage: Int) -> ArraySlice<Float> {
        embeddings[(passage * manifest.dimension)..<((passage + 1) * manifest.dimension)]
    }

    /// How often each term is in a passage.
    func termCounts(_ passage: Int) -> [(key: String, value: Int)] {
        counts[passage].map { entry in
            (String(decoding: terms.term(Int(entry.term)), as: UTF8.self), Int(entry.count))
        }
    }
}

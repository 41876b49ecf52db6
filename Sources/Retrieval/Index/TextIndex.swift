public import FathomVectors

/// An index of the texts of a folder, to be asked by meaning and by words.
///
/// ```swift
/// let index = try TextIndex(contentsOf: "notes.index")
/// let encoder = try SentenceEncoder(contentsOf: index.model)
/// for hit in try index.search("how is a password reset?", k: 5, encoder: encoder) {
///     print(hit.path, hit.lines, hit.score)
/// }
/// ```
///
/// The texts themselves are not in the index: `text(of:)` reads them from the folder.
public struct TextIndex: Sendable {
    /// What passages are ranked by.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Reciprocal ranks of both.
        case hybrid
        /// The cosine of the embeddings.
        case vector
        /// BM25.
        case bm25
    }

    /// A passage that was found.
    public struct Hit: Sendable, Hashable {
        /// One way in which it was found: its place, from 1, and its score there.
        public struct Place: Sendable, Hashable {
            public let rank: Int
            public let score: Double
        }

        /// The file's path from the folder on.
        public let path: String
        public let lines: ClosedRange<Int>
        /// By what the hits are sorted; larger is better.
        public let score: Double
        public let vector: Place?
        public let bm25: Place?
        let file: Int
        let bytes: Range<Int>
    }

    /// The text of a hit, if it can still be had.
    public enum HitText: Sendable, Hashable {
        case text(String)
        /// The file is not what it was when it was indexed, or is gone.
        case changed
    }

    /// The index's own folder.
    public let path: String
    let manifest: TextIndexManifest
    private let table: PassageTable
    private let starts: [Int]
    private let terms: TermIndex
    private let vectors: any VectorIndex

    /// Opens the index in a folder.
    ///
    /// - Throws: `RetrievalError.noIndex` and `.damaged`, `IndexFileError`, `SafetensorsError`,
    ///   `FileError`.
    public init(contentsOf path: String) throws {
        self.path = path
        guard FolderScan.resolved(path) != nil, let manifest = try TextIndexManifest(in: path)
        else { throw RetrievalError.noIndex(path: path) }
        self.manifest = manifest
        let count = manifest.passageCount
        table = try PassageTable(
            contentsOf: "\(path)/\(manifest.passagesName)", passageCount: count,
            dimension: manifest.dimension)
        starts = manifest.files.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.passageCount) }
        terms = try TermIndex(
            contentsOf: "\(path)/\(manifest.termsName)", passageCount: count)
        let vectorsPath = "\(path)/\(manifest.vectorsName)"
        guard let vectors = try IndexFile.read(vectorsPath).vectorIndex, vectors.count == count,
            vectors.dimension == manifest.dimension
        else {
            throw RetrievalError.damaged(
                path: vectorsPath, reason: "its vectors are not those of the passages")
        }
        self.vectors = vectors
    }

    /// The embedder that made the index, as the person named it.
    public var model: String { manifest.model }
    /// The folder of the documents.
    public var folder: String { manifest.folder }
    public var fileCount: Int { manifest.files.count }
    public var passageCount: Int { manifest.passageCount }

    /// Entries of either ranking that the fusion looks at, at least.
    static let candidateCount = 100

    /// The passages that answer a question best, best first.
    ///
    /// - Parameter encoder: the embedder that made the index; only `.bm25` does without one.
    /// - Throws: `RetrievalError.otherModel` for another embedder, `.damaged`, `VectorSearchError`.
    public func search(
        _ question: String, k: Int, mode: Mode = .hybrid, encoder: SentenceEncoder?,
        parameters: SearchParameters = SearchParameters()
    ) throws -> [Hit] {
        let wanted = mode == .hybrid ? max(k, Self.candidateCount) : k
        let count = min(wanted, passageCount)
        guard count > 0 else { return [] }
        var byVector: [(passage: Int, score: Double)] = []
        var byTerms: [(passage: Int, score: Double)] = []
        if mode != .bm25 {
            guard let encoder else {
                throw RetrievalError.otherModel(index: path, reason: "needs its embedder, \(model)")
            }
            let found = try vectors.search(
                VectorRows(try embedding(of: question, encoder), dimension: manifest.dimension),
                k: count, parameters: parameters)
            byVector = zip(found.labels, found.distances).compactMap { label, distance in
                // Labels of a file that somebody else wrote may be any.
                guard label >= 0, label < Int64(passageCount) else { return nil }
                return (Int(label), Double(distance))
            }
        }
        if mode != .vector {
            do {
                byTerms = try terms.search(question, k: count)
            } catch {
                throw RetrievalError.damaged(
                    path: "\(path)/\(manifest.termsName)", reason: "a list of passages is damaged")
            }
        }
        let ranked: [(entry: Int, score: Double)] =
            switch mode {
            case .hybrid: RankFusion.fuse([byVector.map(\.passage), byTerms.map(\.passage)])
            case .vector: byVector.map { ($0.passage, $0.score) }
            case .bm25: byTerms.map { ($0.passage, $0.score) }
            }
        func places(_ ranking: [(passage: Int, score: Double)]) -> [Int: Hit.Place] {
            Dictionary(
                ranking.enumerated().map {
                    ($0.element.passage, Hit.Place(rank: $0.offset + 1, score: $0.element.score))
                }, uniquingKeysWith: { first, _ in first })
        }
        let (vectorPlaces, termPlaces) = (places(byVector), places(byTerms))
        return ranked.prefix(k).map { entry, score in
            let file = file(of: entry)
            let passage = table.passages[entry]
            return Hit(
                path: manifest.files[file].path, lines: passage.lines, score: score,
                vector: vectorPlaces[entry], bm25: termPlaces[entry], file: file,
                bytes: passage.bytes)
        }
    }

    private func embedding(of question: String, _ encoder: SentenceEncoder) throws -> [Float] {
        guard encoder.dimension == manifest.dimension else {
            throw RetrievalError.otherModel(
                index: path,
                reason: "has vectors of \(manifest.dimension) numbers by \(model); "
                    + "\(encoder.path) gives \(encoder.dimension)")
        }
        let rows = try encoder.embed([PassageTable.probeText, question])
        guard table.isMade(by: Array(rows.prefix(encoder.dimension))) else {
            throw RetrievalError.otherModel(
                index: path, reason: "was made by \(model); \(encoder.path) is another model")
        }
        return Array(rows.suffix(encoder.dimension))
    }

    /// Which file a passage is of.
    private func file(of passage: Int) -> Int {
        var (low, high) = (0, manifest.files.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= passage { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The text of a hit, read from the folder of the documents.
    public func text(of hit: Hit) -> HitText {
        let entry = manifest.files[hit.file]
        guard let bytes = try? Document.read("\(folder)/\(entry.path)"),
            bytes.count == entry.byteCount, Document.hash(bytes) == entry.hash,
            hit.bytes.upperBound <= bytes.count
        else { return .changed }
        return .text(String(decoding: bytes[hit.bytes], as: UTF8.self))
    }
}

import FathomText

extension TextIndexer {
    /// The passages of an index while it is made, in the order of the files.
    struct Content {
        private let encoder: SentenceEncoder
        private let chunker: Chunker
        private let old: PreviousIndex?

        private(set) var files: [TextIndexManifest.File] = []
        private(set) var passages: [Passage] = []
        private(set) var terms = TermIndexBuilder()
        /// A row a passage; of those that wait to be embedded it is 0.
        private(set) var embeddings: [Float] = []
        private(set) var newPassageCount = 0
        private(set) var embeddedCount = 0
        /// The tokens of passages that wait to be embedded.
        private var pending: [(passage: Int, tokens: [Int32])] = []

        init(
            _ encoder: SentenceEncoder, _ passageTokens: Int, _ overlapTokens: Int,
            _ old: PreviousIndex?
        ) {
            self.encoder = encoder
            self.old = old
            let tokenizer = encoder.tokenizer
            chunker = Chunker(
                tokenLimit: passageTokens, overlapTokens: min(overlapTokens, passageTokens / 2),
                countTokens: { tokenizer.encode($0).count })
        }

        var pendingCount: Int { pending.count }

        /// Takes the next file: over from the old index where it has not changed, else anew.
        ///
        /// - Parameter before: which file of the old index has its path.
        mutating func take(
            _ file: FolderScan.File, root: String, before: Int?, _ report: inout TextIndexReport
        ) throws {
            let known = before.flatMap { number in old.map { ($0, number) } }
            if let (old, number) = known {
                let entry = old.manifest.files[number]
                if entry.byteCount == file.byteCount, entry.modified == file.modified {
                    return keep(number, of: old, as: entry)
                }
            }
            let bytes: [UInt8]
            do throws(Document.Refusal) {
                bytes = try Document.read("\(root)/\(file.path)")
            } catch {
                report.skippedFiles[error.rawValue, default: 0] += 1
                return
            }
            // The file may have grown since it was listed; then the next run reads it again.
            var entry = TextIndexManifest.File(
                path: file.path, byteCount: bytes.count, modified: file.modified,
                hash: Document.hash(bytes), passageCount: 0)
            if let (old, number) = known {
                let before = old.manifest.files[number]
                if before.hash == entry.hash, before.byteCount == entry.byteCount {
                    entry.passageCount = before.passageCount
                    return keep(number, of: old, as: entry)
                }
                report.changedFiles += 1
            } else {
                report.addedFiles += 1
            }
            let found = chunker.passages(of: bytes, kind: DocumentKind(path: file.path))
            entry.passageCount = found.count
            files.append(entry)
            for passage in found {
                let text = String(decoding: bytes[passage.bytes], as: UTF8.self)
                pending.append((passages.count, encoder.tokens(of: text)))
                passages.append(passage)
                terms.append(TermIndexBuilder.counts(of: text))
                embeddings.append(contentsOf: repeatElement(0, count: encoder.dimension))
            }
            newPassageCount += found.count
        }

        private mutating func keep(
            _ number: Int, of old: PreviousIndex, as entry: TextIndexManifest.File
        ) {
            files.append(entry)
            for passage in old.passages(ofFile: number) {
                passages.append(old.table.passages[passage])
                terms.append(old.termCounts(passage))
                embeddings.append(contentsOf: old.embedding(passage))
            }
        }

        /// Embeds what waits for it, a part after the other.
        mutating func embed(
            isCancelled: () -> Bool, progress: (_ embedded: Int) -> Void
        ) throws {
            // Of one length mostly, so that a part is one pass or a few.
            pending.sort { ($1.tokens.count, $0.passage) < ($0.tokens.count, $1.passage) }
            for start in stride(from: 0, to: pending.count, by: Self.part) {
                let part = pending[start..<min(start + Self.part, pending.count)]
                let rows = try encoder.embed(
                    tokens: part.map(\.tokens), isCancelled: isCancelled)
                for (index, entry) in part.enumerated() {
                    let row = index * encoder.dimension
                    embeddings.replaceSubrange(
                        (entry.passage * encoder.dimension)..<((entry.passage + 1)
                            * encoder.dimension),
                        with: rows[row..<(row + encoder.dimension)])
                }
                embeddedCount += part.count
                progress(embeddedCount)
            }
            pending.removeAll(keepingCapacity: true)
        }

        /// Passages between two reports of progress.
        private static let part = 64
    }
}

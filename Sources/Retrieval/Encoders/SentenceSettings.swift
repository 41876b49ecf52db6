import FathomCheckpoints
import FathomJSON

/// What the files of the `sentence-transformers` library beside a model say of its use.
struct SentenceSettings {
    /// `max_seq_length` of `sentence_bert_config.json`.
    var maximumTokens: Int?

    /// Reads the settings; a folder without them pools by the mean, as the library does.
    ///
    /// - Throws: `RetrievalError` for a pooling other than the mean, or a length that is none.
    init(_ files: FolderFiles) throws {
        let name = "sentence_bert_config.json"
        if let value = try files.object(of: name)?["max_seq_length"], !value.isNull {
            guard let count = value.intValue, (1...1 << 24).contains(count) else {
                throw RetrievalError.badField(
                    path: "\(files.path)/\(name)", field: "max_seq_length", found: "\(value)",
                    expected: "a number of tokens")
            }
            maximumTokens = count
        }
        let pooling = "\(files.path)/1_Pooling"
        guard let folder = try? FolderFiles(path: pooling),
            let fields = try folder.object(of: "config.json")
        else { return }
        // Newer files name one mode, older ones have a flag for each.
        let prefix = "pooling_mode_"
        if let mode = fields["pooling_mode"]?.stringValue, mode != "mean" {
            throw RetrievalError.unsupportedPooling(path: "\(pooling)/config.json", found: mode)
        }
        let modes = fields.filter { $0.key.hasPrefix(prefix) && $0.value.boolValue == true }
            .map { $0.key.dropFirst(prefix.count) }
        guard modes.isEmpty || modes == ["mean_tokens"] else {
            throw RetrievalError.unsupportedPooling(
                path: "\(pooling)/config.json", found: modes.joined(separator: " and "))
        }
    }
}

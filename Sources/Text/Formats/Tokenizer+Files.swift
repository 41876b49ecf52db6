import FathomJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Tokenizer {
    /// Reads a tokenizer from a folder with `tokenizer.json` or `tokenizer.model`, or such a file.
    ///
    /// `tokenizer_config.json`, `special_tokens_map.json` and `chat_template.jinja` beside it are
    /// read too. Of both kinds of file, `tokenizer.json` counts.
    ///
    /// - Throws: `TokenizerError` for files that are missing, damaged or not supported.
    public convenience init(contentsOf path: String) throws {
        var folder = path
        var file: String
        if TokenizerFiles.isFolder(path) {
            let candidates = ["tokenizer.json", "tokenizer.model"].map { path + "/" + $0 }
            guard let found = candidates.first(where: TokenizerFiles.exists) else {
                throw TokenizerError(source: path, reason: .noTokenizer)
            }
            file = found
        } else {
            file = path
            folder = path.split(separator: "/", omittingEmptySubsequences: false)
                .dropLast().joined(separator: "/")
            if folder.isEmpty { folder = path.hasPrefix("/") ? "/" : "." }
        }
        let bytes = try TokenizerFiles.read(file)
        let configuration = try TokenizerFiles.configuration(in: folder)
        do throws(TokenizerError.Reason) {
            if bytes.first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "{") {
                let parts = bytes.withUnsafeBufferPointer { bytes in
                    Result { () throws(TokenizerError.Reason) in
                        try TokenizerJSON.parts(bytes, configuration)
                    }
                }
                try self.init(parts.get())
            } else {
                try self.init(SentencePieceFile(bytes).parts(configuration))
            }
        } catch {
            throw TokenizerError(source: file, reason: error)
        }
    }
}

extension SentencePieceFile {
    /// Puts the tokenizer of a `tokenizer.model` together.
    func parts(
        _ configuration: TokenizerConfiguration
    ) throws(TokenizerError.Reason) -> TokenizerParts {
        guard !pieces.isEmpty else { throw .emptyVocabulary }
        guard !marksWordEnds else {
            throw .unsupported(
                field: "treat_whitespace_as_suffix", value: "true", supported: "false")
        }
        var parts = try SentencePieceAssembly(
            pieces: pieces, algorithm: algorithm, normalizer: normalizer,
            fallsBackToBytes: fallsBackToBytes, unknownSurface: unknownSurface,
            showsControl: false, recognisesControlInText: false
        ).parts()
        parts.beginOfSequence =
            configuration.beginOfSequence.flatMap { parts.vocabulary.id(of: $0.utf8) }
            ?? beginOfSequence.map { Int32($0) }
        parts.endOfSequence =
            configuration.endOfSequence.flatMap { parts.vocabulary.id(of: $0.utf8) }
            ?? endOfSequence.map { Int32($0) }
        // Models of this kind begin a text unless their settings say otherwise.
        if configuration.addsBeginOfSequence ?? true, let begin = parts.beginOfSequence {
            parts.sequencePrefix = [begin]
        }
        if configuration.addsEndOfSequence ?? false, let end = parts.endOfSequence {
            parts.sequenceSuffix = [end]
        }
        parts.stopTokens = StopTokens.ids(
            in: parts.vocabulary, reserved: parts.reserved, known: [parts.endOfSequence])
        parts.chatTemplate = configuration.chatTemplate
        parts.warnings = configuration.warnings
        return parts
    }
}

/// The files of a tokenizer, read whole and within limits.
enum TokenizerFiles {
    /// Larger than any vocabulary in use, the largest being about 35 MB.
    static let maximumBytes = 256 << 20

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }

    static func configuration(in folder: String) throws -> TokenizerConfiguration {
        var configuration = TokenizerConfiguration()
        if let fields = try object(folder + "/tokenizer_config.json") {
            configuration = TokenizerConfiguration(fields)
        }
        if let fields = try object(folder + "/special_tokens_map.json") {
            configuration.complete(with: fields)
        }
        let template = folder + "/chat_template.jinja"
        if exists(template) {
            let bytes = try read(template)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw TokenizerError(
                    source: template, reason: .unreadable(detail: "the file is not UTF-8"))
            }
            configuration.chatTemplate = text
        }
        return configuration
    }

    private static func object(_ path: String) throws -> JSONObject? {
        guard exists(path) else { return nil }
        let bytes = try read(path)
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw TokenizerError(source: path, reason: .json(error))
        }
        guard let object = value.objectValue else {
            throw TokenizerError(
                source: path,
                reason: .wrongType(
                    field: "the file", found: value.kindDescription, expected: "an object"))
        }
        return object
    }

    static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        func unreadable() -> TokenizerError {
            TokenizerError(
                source: path, reason: .unreadable(detail: String(cString: strerror(errno))))
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable() }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TokenizerError(
                source: path, reason: .unreadable(detail: "it is not a regular file"))
        }
        let size = Int(status.st_size)
        guard size <= maximumBytes else {
            throw TokenizerError(
                source: path, reason: .tooLarge(bytes: size, limit: maximumBytes))
        }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Self.readSome(descriptor, buffer, count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failed = true }
                if got <= 0 { break }
                count += got
            }
        }
        guard !failed else { throw unreadable() }
        guard bytes.count == size else {
            throw TokenizerError(
                source: path, reason: .unreadable(detail: "the file shrank while it was read"))
        }
        return bytes
    }

    private static func readSome(
        _ descriptor: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>, _ offset: Int,
        _ count: Int
    ) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        #if canImport(Glibc)
            return Glibc.read(descriptor, base + offset, count)
        #elseif canImport(Musl)
            return Musl.read(descriptor, base + offset, count)
        #else
            return Darwin.read(descriptor, base + offset, count)
        #endif
    }
}

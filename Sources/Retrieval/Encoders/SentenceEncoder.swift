public import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
public import FathomText

/// Turns texts into vectors whose angles tell how close their meanings are.
///
/// ```swift
/// let encoder = try SentenceEncoder(contentsOf: "all-MiniLM-L6-v2")
/// let rows = try encoder.embed(["Why is the sky blue?", "Rayleigh scattering"])
/// ```
///
/// A vector is the mean of the last hidden states of a text's tokens, brought to length 1 (Reimers
/// and Gurevych, 2019). Sentence encoders of BERT's shape are made for it; any other model that can
/// be loaded serves too, less well. A text's vector does not depend on the texts embedded with it.
public struct SentenceEncoder: Sendable {
    /// Where the model is.
    public let path: String
    public let tokenizer: Tokenizer
    /// Components of a vector.
    public let dimension: Int
    /// The most tokens of a text, with those around it; what is beyond is cut off.
    public let maximumTokens: Int

    private let hiddenStates: @Sendable (Batch) -> Tensor

    /// The length to which decoders are used, which know no limit of their own for this.
    static let decoderTokens = 512

    /// Tokens of one pass: enough to keep the weights from being read more often than needed, few
    /// enough for activations to stay in the caches.
    static let tokensPerPass = 1024

    /// Opens a folder in Hugging Face layout or a GGUF file.
    ///
    /// - Throws: `CheckpointError`, `ConfigurationError`, `ParameterError`, `TokenizerError`, and
    ///   `RetrievalError` for a model that pools in another way.
    public init(
        contentsOf path: String, precision: CheckpointParameters.Precision = .stored
    ) throws {
        self.path = path
        let checkpoint = try Checkpoint.open(path)
        tokenizer = try Tokenizer(checkpoint)
        let vocabularySize: Int
        if case .folder(let folder) = checkpoint,
            folder.configuration["model_type"]?.stringValue == BertConfiguration.modelType
        {
            let settings = try SentenceSettings(folder.files)
            let model = try BertModel.load(folder, precision: precision)
            let configuration = model.configuration
            vocabularySize = configuration.vocabularySize
            dimension = configuration.hiddenSize
            maximumTokens = min(
                settings.maximumTokens ?? configuration.contextLength, configuration.contextLength)
            hiddenStates = { model.hiddenStates($0) }
        } else {
            var options = ModelOptions()
            options.precision = precision
            let model = try ModelLoader.load(checkpoint, options).model
            vocabularySize = model.vocabularySize
            // One token shows how wide a row is.
            dimension = model.hiddenStates(Batch([0]), observe: nil).shape.last
            maximumTokens = min(Self.decoderTokens, model.contextLength)
            hiddenStates = { model.hiddenStates($0, observe: nil) }
        }
        guard tokenizer.vocabularySize <= vocabularySize else {
            throw RetrievalError.tokenizerTooLarge(
                tokens: tokenizer.vocabularySize, embeddings: vocabularySize, path: path)
        }
        let around = tokenizer.sequencePrefix.count + tokenizer.sequenceSuffix.count
        guard maximumTokens > around else {
            throw RetrievalError.badField(
                path: path, field: "max_seq_length", found: "\(maximumTokens)",
                expected: "more than the \(around) tokens around a text")
        }
    }

    /// How many tokens of a text's own fit.
    public var contentTokens: Int {
        maximumTokens - tokenizer.sequencePrefix.count - tokenizer.sequenceSuffix.count
    }

    /// The tokens that a text is embedded by: cut to what fits, with those around it.
    public func tokens(of text: String) -> [Int32] {
        tokenizer.sequencePrefix + tokenizer.encode(text).prefix(contentTokens)
            + tokenizer.sequenceSuffix
    }

    /// The vectors of texts, `[texts.count, dimension]` row by row.
    ///
    /// - Throws: `RetrievalError.notANumber` for damaged weights, `.cancelled`.
    public func embed(
        _ texts: [String], isCancelled: () -> Bool = { false }
    ) throws -> [Float] {
        try embed(tokens: texts.map(tokens), isCancelled: isCancelled)
    }

    /// The vectors of tokenised texts; of a text without tokens it is 0.
    ///
    /// Texts are taken in order of their lengths, so that those of a pass end together.
    package func embed(
        tokens: [[Int32]], isCancelled: () -> Bool = { false }
    ) throws -> [Float] {
        var rows = [Float](repeating: 0, count: tokens.count * dimension)
        let order = tokens.indices.filter { !tokens[$0].isEmpty }
            .sorted { (tokens[$1].count, $0) < (tokens[$0].count, $1) }
        var next = 0
        while next < order.count {
            guard !isCancelled() else { throw RetrievalError.cancelled }
            var batch = Batch()
            let first = next
            while next < order.count,
                next == first
                    || batch.tokenIDs.count + tokens[order[next]].count <= Self.tokensPerPass
            {
                batch.append(tokens[order[next]], cache: nil)
                next += 1
            }
            let states = hiddenStates(batch)
            let means = unitRows(rowMeans(states, over: batch.sequences.map(\.range)))
            let values = means.floatArray()
            guard values.allSatisfy(\.isFinite) else { throw RetrievalError.notANumber(path: path) }
            for (index, text) in order[first..<next].enumerated() {
                let row = index * dimension
                rows.replaceSubrange(
                    (text * dimension)..<((text + 1) * dimension),
                    with: values[row..<(row + dimension)])
            }
        }
        return rows
    }
}

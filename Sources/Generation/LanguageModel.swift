public import FathomCheckpoints
public import FathomModels
import FathomTensors
public import FathomText
import Synchronization

/// A model with its tokenizer, ready to generate.
///
/// ```swift
/// let model = try LanguageModel.load(from: "SmolLM2-135M-Instruct.Q4_1.gguf")
/// let session = ChatSession(model, sampling: .init(temperature: 0.6, topP: 0.95))
/// for try await event in session.respond(to: "Why is the sky blue?") {
///     if case .text(let piece) = event { print(piece, terminator: "") }
/// }
/// ```
///
/// A loaded model is immutable and may be shared; its passes run one after the other on a thread
/// of its own.
public final class LanguageModel: Sendable {
    /// What was opened.
    public let checkpoint: Checkpoint
    public let model: any CausalModel
    public let tokenizer: Tokenizer
    /// The architecture's name: `llama`, `qwen2`, `deepseek_v3`.
    public let architecture: String
    /// The longest sequence generated for.
    public let contextLength: Int

    private let knownFormat: Result<ConversationFormat, any Error>
    let store: PageStore
    let thread = ModelThread()

    /// How a model is loaded.
    public struct Options: Sendable {
        public var model = ModelOptions()
        /// Shorter than the model's own length, to save memory; `nil` takes the model's.
        public var contextLength: Int?
        /// The most bytes of keys and values at once.
        public var cacheBytes = 8 << 30
        /// A chat template in place of the checkpoint's.
        public var chatTemplate: String?

        public init() {}
    }

    /// Opens a folder in Hugging Face layout or a GGUF file.
    ///
    /// Weights are mapped; what is not used is not read.
    public static func load(from path: String, _ options: Options = .init()) throws
        -> LanguageModel
    {
        let checkpoint = try Checkpoint.open(path)
        let loaded = try ModelLoader.load(checkpoint, options.model)
        return try LanguageModel(checkpoint, loaded, options)
    }

    init(_ checkpoint: Checkpoint, _ loaded: LoadedModel, _ options: Options) throws {
        self.checkpoint = checkpoint
        model = loaded.model
        architecture = loaded.architecture
        // Reading a vocabulary takes about as long as bringing a small model's weights to memory.
        let isRead = Flag()
        defer { isRead.set() }
        thread.submit {
            for matrix in loaded.parameters.matrices { matrix.prepare { isRead.isSet } }
        }
        tokenizer = try Tokenizer(checkpoint)
        // Without a format, or with one that cannot be read, texts can be continued still.
        knownFormat = Result { [tokenizer, architecture] in
            do {
                return try ConversationFormat(
                    template: options.chatTemplate ?? tokenizer.chatTemplate,
                    modelType: architecture, tokenizer: tokenizer)
            } catch ConversationFormatError.noFormat {
                throw ChatError.noTemplate
            }
        }
        contextLength = min(
            options.contextLength ?? loaded.model.contextLength, loaded.model.contextLength)
        store = PageStore(loaded.model.cacheLayout, maximumBytes: options.cacheBytes)
    }

    /// How conversations with the model are written and its answers read.
    ///
    /// - Throws: `ChatError.noTemplate` if the checkpoint has no chat template and its format is
    ///   not known otherwise, `TemplateError` if it has one that cannot be read.
    public var format: ConversationFormat {
        get throws { try knownFormat.get() }
    }

    /// Generates from a prompt's tokens.
    ///
    /// - Throws: through the stream, `GenerationError`, `SamplingError`, or `FileError` if the
    ///   weights' file was damaged meanwhile. Ending the stream's task ends the work.
    public func generate(_ request: GenerationRequest)
        -> AsyncThrowingStream<GenerationEvent, any Error>
    {
        generate(request, CacheBox(PagedCache(store)))
    }

    func generate(_ request: GenerationRequest, _ box: CacheBox)
        -> AsyncThrowingStream<GenerationEvent, any Error>
    {
        let (stream, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
        let isCancelled = Flag()
        continuation.onTermination = { reason in
            if case .cancelled = reason { isCancelled.set() }
        }
        thread.submit {
            do {
                try self.run(request, box, isCancelled) { continuation.yield($0) }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        return stream
    }

    /// Checks a request before any work is done for it.
    func validate(_ request: GenerationRequest) throws {
        try request.sampling.validate(vocabularySize: model.vocabularySize)
        guard !request.prompt.isEmpty else { throw GenerationError.emptyPrompt }
        for token in request.prompt where token < 0 || Int(token) >= model.vocabularySize {
            throw GenerationError.unknownToken(
                Int(token), vocabularySize: model.vocabularySize)
        }
        let maximum = request.maximumTokens ?? 0
        // One more token has to fit at least, or nothing can be generated.
        guard request.prompt.count < contextLength,
            max(1, maximum) <= contextLength - request.prompt.count
        else {
            throw GenerationError.contextOverflow(
                promptTokens: request.prompt.count, maximumTokens: maximum,
                contextLength: contextLength)
        }
    }

    private func run(
        _ request: GenerationRequest, _ box: CacheBox, _ isCancelled: Flag,
        yield: (GenerationEvent) -> Void
    ) throws {
        try validate(request)
        let cache = box.cache(for: request.prompt)
        var usage = Usage()
        usage.promptTokens = request.prompt.count
        let decoder = SequenceDecoder(model, cache: cache, predicts: request.speculates) {
            if isCancelled.isSet { throw CancellationError() }
        }
        usage.cachedPromptTokens = cache.count
        var generator = TokenGenerator(
            decoder, prompt: request.prompt, sampler: Sampler(request.sampling),
            alternatives: request.alternatives, speculates: request.speculates,
            lengthLimit: contextLength)
        var assembler = AnswerAssembler(tokenizer, request)
        let stops = request.stopTokens ?? tokenizer.stopTokens
        let clock = ContinuousClock()
        let start = clock.now
        var firstToken = start
        defer { box.tokens = Array(generator.tokens.prefix(cache.count)) }
        do {
            generating: while true {
                if let maximum = request.maximumTokens, usage.completionTokens >= maximum {
                    usage.finishReason = .length
                    break
                }
                guard generator.tokens.count < contextLength else {
                    usage.finishReason = .contextFull
                    break
                }
                let choice = try generator.next()
                try checkpoint.source.checkIntact()
                if usage.completionTokens == 0 { firstToken = clock.now }
                usage.completionTokens += 1
                if request.alternatives != nil { yield(.token(choice)) }
                if stops.contains(choice.token) {
                    usage.finishReason = .stop
                    break
                }
                let (events, isStopped) = assembler.append(choice.token)
                for event in events { yield(event) }
                if isStopped {
                    usage.finishReason = .stopString
                    break generating
                }
            }
        } catch is CancellationError {
            usage.finishReason = .cancelled
        }
        if usage.finishReason != .stopString {
            for event in assembler.finish() { yield(event) }
        }
        usage.reasoningTokens = assembler.reasoningTokens
        usage.prefillSeconds = (firstToken - start).inSeconds
        usage.decodeSeconds = (clock.now - firstToken).inSeconds
        usage.proposedTokens = generator.speculation.proposed
        usage.acceptedTokens = generator.speculation.accepted
        yield(.finished(usage))
    }
}

/// A cache that outlives a request, with the tokens it holds.
///
/// Touched on the model's thread only.
final class CacheBox: @unchecked Sendable {
    private let cache: PagedCache
    var tokens: [Int32] = []

    init(_ cache: PagedCache) {
        self.cache = cache
    }

    /// The cache, cut back to what it has in common with a prompt, but for the prompt's last
    /// token: its logits are still to be computed.
    func cache(for prompt: [Int32]) -> PagedCache {
        var common = 0
        while common < min(tokens.count, prompt.count - 1), tokens[common] == prompt[common] {
            common += 1
        }
        cache.truncate(to: min(common, cache.count))
        return cache
    }
}

/// A flag that one thread sets and others see.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}

extension Duration {
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}

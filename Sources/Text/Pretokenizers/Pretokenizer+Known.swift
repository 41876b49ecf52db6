extension Pretokenizer {
    /// Pre-tokenizers by the name a GGUF file gives them, or nil for an unknown one.
    ///
    /// The stages are those of the `tokenizer.json` that belongs to the name.
    package init?(named name: String) {
        switch name {
        case "gpt-2", "phi-2", "mpt", "olmo", "roberta-bpe", "jina-es", "jina-de":
            self = .gpt2
        case "smollm", "starcoder", "refact", "command-r", "codeshell":
            self = .gpt2WithSingleDigits
        case "llama3", "llama-v3", "llama-bpe", "falcon3", "pixtral":
            self = .llama3
        case "qwen2", "deepseek-r1-qwen", "stablelm2":
            self = .qwen2
        case "deepseek-llm": self = .deepSeekLLM
        case "deepseek-coder": self = .deepSeekCoder
        case "deepseek-v3": self = .deepSeekV3
        default: return nil
        }
    }

    /// The names above that belong to models of the family, for messages.
    static let principalNames =
        "deepseek-llm, deepseek-coder, deepseek-v3, deepseek-r1-qwen, qwen2, llama-bpe, gpt-2, smollm"

    static let gpt2 = Pretokenizer([.init(pattern: .scanned(.words(.gpt2)))])
    static let llama3 = Pretokenizer([.init(pattern: .scanned(.words(.llama3)))])
    static let qwen2 = Pretokenizer([.init(pattern: .scanned(.words(.qwen2)))])

    static let gpt2WithSingleDigits = Pretokenizer([
        .init(pattern: .scanned(.run(leading: [], body: .number, maximum: 1))),
        .init(pattern: .scanned(.words(.gpt2))),
    ])

    static let deepSeekLLM = Pretokenizer([
        .init(pattern: .scanned(.run(leading: [], body: .newline, maximum: 1))),
        .init(pattern: .scanned(.run(leading: .whitespace, body: .deepSeekLetter, maximum: .max))),
        .init(
            pattern: .scanned(.run(leading: .whitespace, body: .deepSeekPunctuation, maximum: .max))
        ),
        .init(pattern: .scanned(.trailingWhitespace)),
        .init(pattern: .scanned(.run(leading: [], body: .deepSeekIdeograph, maximum: .max))),
        .init(pattern: .scanned(.run(leading: [], body: .number, maximum: 1))),
    ])

    static let deepSeekCoder = Pretokenizer([
        .init(pattern: .scanned(.run(leading: [], body: .newline, maximum: 1))),
        .init(pattern: .scanned(.run(leading: .whitespace, body: .letter, maximum: .max))),
        .init(pattern: .scanned(.run(leading: .whitespace, body: .punctuation, maximum: .max))),
        .init(pattern: .scanned(.run(leading: [], body: .deepSeekIdeograph, maximum: .max))),
        .init(pattern: .scanned(.run(leading: [], body: .number, maximum: 1))),
    ])

    static let deepSeekV3 = Pretokenizer([
        .init(pattern: .scanned(.run(leading: [], body: .number, maximum: 3))),
        .init(pattern: .scanned(.run(leading: [], body: .deepSeekV3Ideograph, maximum: .max))),
        .init(pattern: .scanned(.words(.deepSeekV3))),
    ])
}

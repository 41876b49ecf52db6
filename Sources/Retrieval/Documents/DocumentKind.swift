/// What a document is, by the end of its name: it decides where the document is cut.
public enum DocumentKind: String, Sendable, Hashable, CaseIterable {
    /// Cut at headings, then between paragraphs.
    case markdown
    /// Cut between definitions: at blank lines before what is not indented.
    case code
    /// Cut between paragraphs.
    case prose

    public init(path: String) {
        let name = path.split(separator: "/").last ?? ""
        let end = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
        if Self.markdownEnds.contains(end) {
            self = .markdown
        } else if Self.codeEnds.contains(end) || Self.codeNames.contains(String(name)) {
            self = .code
        } else {
            self = .prose
        }
    }

    private static let markdownEnds: Set<String> = ["md", "markdown", "mdown", "mkd", "qmd", "rmd"]

    private static let codeNames: Set<String> = [
        "Makefile", "Dockerfile", "CMakeLists.txt", "Rakefile", "Gemfile", "BUILD", "WORKSPACE",
    ]

    private static let codeEnds: Set<String> = [
        "swift", "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "inc", "m", "mm", "cu", "metal",
        "py", "pyi", "pyx", "rb", "pl", "pm", "php", "lua", "tcl", "r", "jl", "js", "mjs", "cjs",
        "jsx", "ts", "tsx", "vue", "svelte", "css", "scss", "java", "kt", "kts", "scala", "groovy",
        "gradle", "clj", "cljs", "cs", "fs", "vb", "go", "rs", "zig", "nim", "d", "dart", "ex",
        "exs", "erl", "hrl", "hs", "ml", "mli", "elm", "el", "lisp", "scm", "rkt", "sh", "bash",
        "zsh", "fish", "ps1", "bat", "sql", "proto", "thrift", "graphql", "cmake", "mk", "ninja",
        "yaml", "yml", "toml", "json", "jsonc", "xml", "ini", "cfg", "conf", "tf", "nix", "s",
        "asm", "v", "sv", "vhd", "f", "f90", "f95", "pas", "ada", "adb", "ads",
    ]
}

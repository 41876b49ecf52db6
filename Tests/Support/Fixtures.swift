public import FathomCheckpoints
import FathomTensors

/// The files of `Tests/Fixtures`, found from where this file was compiled.
public enum Fixtures {
    /// The path of a file or folder: `Fixtures.path("15-gguf-llama-q8_0/model.gguf")`.
    public static func path(_ name: String) -> String {
        let support = "\(#filePath)".split(separator: "/").dropLast(2)
        return "/" + support.joined(separator: "/") + "/Fixtures/" + name
    }

    /// The tensors of a safetensors file: `Fixtures.tensors("01-llama-mha/cases.safetensors")`.
    public static func tensors(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: path(name))
    }

    /// All bytes of a file.
    public static func bytes(_ name: String) throws -> [UInt8] {
        try MappedFile(path: path(name)).withBytes { Array($0) }
    }
}

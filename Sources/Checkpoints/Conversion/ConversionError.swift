/// Why a checkpoint cannot be converted to the other layout or to other number formats.
public enum ConversionError: Error, Sendable, Hashable {
    /// An architecture that cannot be converted.
    case architecture(path: String, found: String)
    /// A field of the configuration, or a key of the metadata, that is missing, impossible or not
    /// supported.
    case field(path: String, name: String, found: String, expected: String)
    /// Tensors that the other layout has no name for.
    case unknownTensors(path: String, names: [String])
    /// Tensors that the architecture has and the checkpoint does not.
    case missingTensor(path: String, name: String)
    /// A tensor whose numbers cannot be converted.
    case unsupportedType(path: String, tensor: String, type: String)
    /// A format to which numbers cannot be converted.
    case unsupportedTarget(String)
    /// A number that is finite and would become infinite in F16.
    case overflow(path: String, tensor: String)
    /// A tokenizer that the metadata of a GGUF file cannot describe.
    case tokenizer(path: String, found: String, expected: String)
    /// A place to write to where something is already.
    case alreadyExists(path: String)
}

extension ConversionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .architecture(let path, let found):
            "\(path): the architecture '\(found)' cannot be converted; expected 'llama' or 'qwen2'"
        case .field(let path, let name, let found, let expected):
            "\(path): '\(name)' is \(found); expected \(expected)"
        case .unknownTensors(let path, let names):
            "\(path): the other layout has no name for "
                + names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
                + (names.count > 5 ? " and \(names.count - 5) more tensors" : "")
        case .missingTensor(let path, let name):
            "\(path): there is no tensor '\(name)', which the architecture needs"
        case .unsupportedType(let path, let tensor, let type):
            "\(path): '\(tensor)' has the type \(type), which cannot be converted"
        case .unsupportedTarget(let name):
            "numbers cannot be converted to \(name)"
        case .overflow(let path, let tensor):
            "\(path): '\(tensor)' has numbers beyond 65504, which F16 cannot hold; use BF16 or F32"
        case .tokenizer(let path, let found, let expected):
            "\(path): found \(found), expected \(expected)"
        case .alreadyExists(let path):
            "\(path): something is there already; choose another name or remove it"
        }
    }
}

/// Why a file was refused as safetensors, or cannot be written as such.
public struct SafetensorsError: Error, Sendable, Hashable {
    /// The rule of the format, or of this reader where it is stricter, that the file breaks.
    public enum Reason: Error, Sendable, Hashable {
        /// Fewer than the eight bytes that give the header's length.
        case fileTooSmall(bytes: Int)
        /// A header longer than the limit.
        case headerTooLarge(bytes: UInt64, limit: Int)
        /// A header that would not fit in the file.
        case badHeaderLength(bytes: UInt64, fileBytes: Int)
        /// A header shorter than an empty object.
        case headerTooShort(bytes: Int)
        /// A header that does not start with a brace.
        case headerStart(found: UInt8)
        /// A header that is not UTF-8.
        case invalidUTF8
        /// A header that is not the JSON the format wants, at a byte of the file.
        case unexpected(offset: Int, found: String, expected: String)
        /// Two tensors, or two metadata keys, of one name.
        case duplicateKey(String)
        /// A field that is not `dtype`, `shape` or `data_offsets`, or that occurs twice.
        case badField(tensor: String, field: String)
        /// A tensor without one of the three fields.
        case missingField(tensor: String, field: String)
        /// A type name that the format does not know.
        case unknownType(tensor: String, name: String)
        /// A type that the format knows but that cannot be computed with here.
        case unsupportedType(tensor: String, name: String)
        /// More tensors than the limit.
        case tooManyTensors(limit: Int)
        /// A name longer than the limit.
        case nameTooLong(bytes: Int, limit: Int)
        /// More dimensions than the limit.
        case rankTooHigh(tensor: String, limit: Int)
        /// A shape whose size in bytes is beyond 64 bits.
        case sizeOverflow(tensor: String, shape: [Int])
        /// An end before the beginning.
        case reversedOffsets(tensor: String, begin: Int, end: Int)
        /// A range of bytes that is not what type and shape need.
        case sizeMismatch(tensor: String, rangeBytes: Int, neededBytes: Int)
        /// Bytes that belong to two tensors.
        case overlap(tensor: String, begin: Int, previousEnd: Int)
        /// Bytes between two tensors, or before the first, that belong to none.
        case hole(tensor: String, begin: Int, previousEnd: Int)
        /// A tensor that ends beyond the file.
        case dataCutShort(tensor: String, neededBytes: Int, foundBytes: Int)
        /// Bytes after the last tensor.
        case trailingBytes(Int)
        /// A tensor to be written that was not announced, is of another size, or never came.
        case notAsAnnounced(tensor: String)
    }

    public let path: String
    public let reason: Reason

    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String { "\(path): \(reason)" }
}

extension SafetensorsError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileTooSmall(let bytes):
            "the file is too small: \(bytes) bytes, where the header's length alone takes 8"
        case .headerTooLarge(let bytes, let limit):
            "the header is too large: \(bytes) bytes; the limit is \(limit)"
        case .badHeaderLength(let bytes, let fileBytes):
            "bad header length: \(bytes) bytes in a file of \(fileBytes); is the file cut short?"
        case .headerTooShort(let bytes):
            "the header has \(bytes) bytes; an empty one has 2"
        case .headerStart(let found):
            "the header starts with byte \(found), expected '{'; is this a safetensors file?"
        case .invalidUTF8:
            "the header is not UTF-8"
        case .unexpected(let offset, let found, let expected):
            "header, byte \(offset) of the file: found \(found), expected \(expected)"
        case .duplicateKey(let key):
            "the header has the key '\(key)' twice; every key must appear once"
        case .badField(let tensor, let field):
            "'\(tensor)' has an unknown or repeated field '\(field)'; "
                + "expected dtype, shape and data_offsets, each once"
        case .missingField(let tensor, let field):
            "'\(tensor)' has no field '\(field)'"
        case .unknownType(let tensor, let name):
            "'\(tensor)' has the unknown type '\(name)'"
        case .unsupportedType(let tensor, let name):
            "'\(tensor)' has the type \(name), which is not supported"
        case .tooManyTensors(let limit):
            "the header has more than \(limit) tensors, the limit"
        case .nameTooLong(let bytes, let limit):
            "the header has a name of \(bytes) bytes; the limit is \(limit)"
        case .rankTooHigh(let tensor, let limit):
            "'\(tensor)' has more than \(limit) dimensions, the limit"
        case .sizeOverflow(let tensor, let shape):
            "size overflow: '\(tensor)' with shape \(shape) has more bytes than 64 bits can count"
        case .reversedOffsets(let tensor, let begin, let end):
            "'\(tensor)' ends at \(end), before it begins at \(begin)"
        case .sizeMismatch(let tensor, let rangeBytes, let neededBytes):
            "'\(tensor)' has \(rangeBytes) bytes of data; its type and shape need \(neededBytes)"
        case .overlap(let tensor, let begin, let previousEnd):
            "'\(tensor)' begins at data byte \(begin) and overlaps the tensor that ends at "
                + "\(previousEnd)"
        case .hole(let tensor, let begin, let previousEnd):
            "'\(tensor)' begins at data byte \(begin) and leaves a hole after \(previousEnd)"
        case .dataCutShort(let tensor, let neededBytes, let foundBytes):
            "'\(tensor)' ends at data byte \(neededBytes), but the file holds \(foundBytes); "
                + "fetch the rest of it"
        case .trailingBytes(let count):
            "\(count) bytes follow the last tensor; none may"
        case .notAsAnnounced(let tensor):
            "'\(tensor)' was not announced to the writer, differs from what was, came twice, "
                + "or never came"
        }
    }
}

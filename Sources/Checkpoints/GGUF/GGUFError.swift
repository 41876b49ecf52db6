/// Why a file was refused as GGUF, lacks something, or cannot be written as such.
public struct GGUFError: Error, Sendable, Hashable {
    public enum Reason: Error, Sendable, Hashable {
        /// A file that does not start with `GGUF`.
        case badMagic(found: [UInt8])
        /// A version other than 2 or 3.
        case badVersion(UInt32)
        /// A file in the byte order of machines that are not supported.
        case bigEndian
        /// The end of the file in the middle of the header.
        case headerCutShort(offset: Int, reading: String)
        /// A count beyond what the file can hold or the limit allows.
        case countTooLarge(of: String, count: UInt64, limit: Int)
        /// A string longer than the rest of the file, or than the limit.
        case stringTooLong(offset: Int, bytes: UInt64, limit: Int)
        /// A key, name or value that is not UTF-8.
        case invalidUTF8(offset: Int, of: String)
        case emptyKey(offset: Int)
        case duplicateKey(String)
        case unknownValueType(key: String, number: UInt32)
        case nestedArray(key: String)
        /// An array longer than the rest of the file.
        case arrayTooLong(key: String, count: UInt64, limit: Int)
        /// A byte other than 0 and 1 as a boolean.
        case badBool(key: String, byte: UInt8)
        /// `general.alignment` of a type other than `uint32`.
        case alignmentType(found: GGUFValueType)
        /// `general.alignment` that is no power of two up to 1 MiB.
        case badAlignment(UInt32)
        case emptyTensorName(offset: Int)
        case tensorNameTooLong(name: String, bytes: Int, limit: Int)
        case duplicateTensor(String)
        case tooManyDimensions(tensor: String, count: UInt32)
        case negativeDimension(tensor: String, value: Int64)
        /// More elements than 63 bits can count.
        case tooManyElements(tensor: String)
        case unknownTensorType(tensor: String, number: UInt32, name: String?)
        /// Rows that are no whole number of blocks.
        case brokenRow(tensor: String, rowLength: Int, type: String, block: Int)
        /// More bytes than 63 bits can count, alone or with the tensors before.
        case tooManyBytes(tensor: String)
        case misalignedOffset(tensor: String, offset: UInt64, alignment: Int)
        /// A tensor that starts before the end of the one before it.
        case overlap(tensor: String, offset: UInt64, expected: Int)
        /// A tensor that leaves a gap after the one before it.
        case hole(tensor: String, offset: UInt64, expected: Int)
        /// A tensor that ends beyond the file.
        case dataCutShort(tensor: String, neededBytes: Int, foundBytes: Int)

        /// One of several files that make up a model.
        case split(part: Int, count: Int)
        case missingKey(String)
        case wrongValueType(key: String, found: String, expected: String)
        case valueOutOfRange(key: String, value: String, expected: String)
        case wrongCount(key: String, found: Int, expected: Int)

        /// A tensor to be written that was not announced, is of another size, or never came.
        case notAsAnnounced(tensor: String)
        /// A tensor whose type or rank GGUF cannot hold.
        case notWritable(tensor: String, found: String)
    }

    public let path: String
    public let reason: Reason

    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }
}

extension GGUFError: CustomStringConvertible {
    public var description: String { "\(path): \(reason)" }
}

extension GGUFError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badMagic(let found):
            "the file starts with bytes \(found), expected 'GGUF'; is this a GGUF file?"
        case .badVersion(1):
            "the file has GGUF version 1, which is not supported; convert it to version 3"
        case .badVersion(let version):
            "the file has GGUF version \(version); supported are 2 and 3"
        case .bigEndian:
            "the file is big-endian, which is not supported; convert it to little-endian"
        case .headerCutShort(let offset, let reading):
            "byte \(offset): the file ends in the middle of \(reading); fetch the rest of it"
        case .countTooLarge(let what, let count, let limit):
            "the file claims \(count) \(what); at most \(limit) are possible"
        case .stringTooLong(let offset, let bytes, let limit):
            "byte \(offset): a string claims \(bytes) bytes; at most \(limit) are possible"
        case .invalidUTF8(let offset, let what):
            "byte \(offset): \(what) is not UTF-8"
        case .emptyKey(let offset):
            "byte \(offset): a metadata key is empty"
        case .duplicateKey(let key):
            "the metadata has the key '\(key)' twice; every key must appear once"
        case .unknownValueType(let key, let number):
            "'\(key)' has the unknown value type \(number); types end at 12"
        case .nestedArray(let key):
            "'\(key)' is an array of arrays, which is not supported"
        case .arrayTooLong(let key, let count, let limit):
            "'\(key)' claims \(count) elements; at most \(limit) are possible"
        case .badBool(let key, let byte):
            "'\(key)' has a boolean of value \(byte); it must be 0 or 1"
        case .alignmentType(let found):
            "'general.alignment' has type \(found); it must be uint32"
        case .badAlignment(let value):
            "'general.alignment' is \(value); it must be a power of two up to 1048576"
        case .emptyTensorName(let offset):
            "byte \(offset): a tensor has an empty name"
        case .tensorNameTooLong(let name, let bytes, let limit):
            "the tensor name '\(name)' has \(bytes) bytes; the limit is \(limit)"
        case .duplicateTensor(let name):
            "there are two tensors '\(name)'; every name must appear once"
        case .tooManyDimensions(let tensor, let count):
            "'\(tensor)' has \(count) dimensions; the limit is 4"
        case .negativeDimension(let tensor, let value):
            "'\(tensor)' has a dimension of \(value); it must not be negative"
        case .tooManyElements(let tensor):
            "'\(tensor)' has more elements than 63 bits can count"
        case .unknownTensorType(let tensor, let number, let name):
            "'\(tensor)' has type \(number)" + (name.map { " (\($0))" } ?? "")
                + ", which is not supported"
        case .brokenRow(let tensor, let rowLength, let type, let block):
            "'\(tensor)' has rows of \(rowLength) elements; \(type) needs a multiple of \(block)"
        case .tooManyBytes(let tensor):
            "'\(tensor)' ends beyond what 63 bits can count"
        case .misalignedOffset(let tensor, let offset, let alignment):
            "'\(tensor)' is at offset \(offset), which is no multiple of the alignment \(alignment)"
        case .overlap(let tensor, let offset, let expected):
            "'\(tensor)' is at offset \(offset) and overlaps the tensor before it, "
                + "which ends at \(expected)"
        case .hole(let tensor, let offset, let expected):
            "'\(tensor)' is at offset \(offset); the tensor before it ends at \(expected)"
        case .dataCutShort(let tensor, let neededBytes, let foundBytes):
            "'\(tensor)' ends at byte \(neededBytes), but the file has \(foundBytes); "
                + "fetch the rest of it"
        case .split(let part, let count):
            "the file is part \(part) of \(count), which are not read together; merge them first"
        case .missingKey(let key):
            "the metadata has no '\(key)'"
        case .wrongValueType(let key, let found, let expected):
            "'\(key)' is \(found); expected \(expected)"
        case .valueOutOfRange(let key, let value, let expected):
            "'\(key)' is \(value); expected \(expected)"
        case .wrongCount(let key, let found, let expected):
            "'\(key)' has \(found) elements; expected \(expected)"
        case .notAsAnnounced(let tensor):
            "'\(tensor)' was not announced to the writer, differs from what was, came twice, "
                + "or never came"
        case .notWritable(let tensor, let found):
            "'\(tensor)' has \(found), which GGUF cannot hold"
        }
    }
}

public import FathomJSON

/// Why a folder cannot be used as a model.
public struct ModelFolderError: Error, Sendable, Hashable {
    public enum Reason: Error, Sendable, Hashable {
        case notAFolder
        /// A file the folder must have.
        case missingFile(String)
        /// A name with a path in it, or none at all.
        case badFileName(String)
        /// A link to a place outside the folder.
        case leavesFolder(file: String)
        /// A folder, device or pipe where a file should be.
        case notAFile(String)
        /// A file that cannot be read, with the system's reason.
        case unreadable(file: String, code: Int32)
        case fileTooLarge(file: String, bytes: Int, limit: Int)
        case json(file: String, JSONError)
        /// A JSON file that holds something else than it should.
        case unexpected(file: String, found: String, expected: String)
        /// A weight that the index places in a file which does not have it.
        case weightMissing(name: String, file: String)
        /// A weight that a file has and the index does not.
        case weightNotInIndex(name: String, file: String)
        case weightTwice(name: String, first: String, second: String)
        /// An index whose sum of sizes is not that of the weights.
        case totalSize(file: String, found: Int, weights: Int, files: Int)
        /// Files of weights that are not there, or not there in full.
        case missingShards([String], of: Int)
    }

    /// The folder.
    public let path: String
    public let reason: Reason

    public init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }
}

extension ModelFolderError: CustomStringConvertible {
    public var description: String {
        switch reason {
        case .notAFolder:
            "\(path): is not a folder"
        case .missingFile(let name):
            "\(path): has no \(name); is this a model in Hugging Face layout?"
        case .badFileName(let name):
            "\(path): '\(name)' is not the plain name of a file in the folder"
        case .leavesFolder(let file):
            "\(path)/\(file): is a link that leaves the folder, which is not followed"
        case .notAFile(let file):
            "\(path)/\(file): is not a regular file"
        case .unreadable(let file, let code):
            "\(path)/\(file): \(SystemError.text(code))"
        case .fileTooLarge(let file, let bytes, let limit):
            "\(path)/\(file): has \(bytes) bytes; the limit is \(limit)"
        case .json(let file, let error):
            "\(path)/\(file): \(error)"
        case .unexpected(let file, let found, let expected):
            "\(path)/\(file): found \(found), expected \(expected)"
        case .weightMissing(let name, let file):
            "\(path)/\(file): does not have '\(name)', which the index places there; "
                + "are these files of one download?"
        case .weightNotInIndex(let name, let file):
            "\(path)/\(file): has '\(name)', which the index does not place there; "
                + "are these files of one download?"
        case .weightTwice(let name, let first, let second):
            "\(path)/\(second): has '\(name)', which \(first) has too"
        case .totalSize(let file, let found, let weights, let files):
            "\(path)/\(file): total_size is \(found), but the weights have \(weights) bytes "
                + "and their files \(files); are these files of one download?"
        case .missingShards(let names, let count):
            "\(path): \(names.count) of \(count) weight files are missing or incomplete: "
                + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
                + "; fetch them first"
        }
    }
}

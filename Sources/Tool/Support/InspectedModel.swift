import FathomCheckpoints
import FathomJSON

/// What `inspect` looks at.
enum InspectedModel {
    case checkpoint(Checkpoint)
    /// A `config.json` without weights, and where it is.
    case configuration(JSONObject, path: String)

    /// Opens what a MODEL argument leads to.
    init(_ argument: String) throws {
        if argument.hasSuffix(".json") {
            self = .configuration(try Self.object(in: argument), path: argument)
            return
        }
        let path = try ModelArgument.localPath(argument)
        do {
            self = .checkpoint(try Checkpoint.open(path, allowsMissingData: true))
        } catch let error as ModelFolderError {
            // A folder whose weights are not there yet.
            guard case .missingFile = error.reason,
                let object = try FolderFiles(path: path).object(of: "config.json")
            else { throw error }
            self = .configuration(object, path: path + "/config.json")
        }
    }

    private static func object(in path: String) throws -> JSONObject {
        let value = try TextFile.json(path)
        guard let object = value.objectValue else {
            throw ToolError("\(path): holds \(value.kindDescription); expected an object")
        }
        return object
    }

    var path: String {
        switch self {
        case .checkpoint(let checkpoint): checkpoint.path
        case .configuration(_, let path): path
        }
    }
}

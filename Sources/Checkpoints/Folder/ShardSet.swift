import FathomTensors

/// The weight files of a folder, opened and compared with their index.
struct ShardSet {
    static let singleFile = "model.safetensors"

    private(set) var index = NameIndex()
    private(set) var shardOfWeight: [Int] = []
    private(set) var shards: [SafetensorsFile?] = []
    private(set) var missing: [String] = []

    /// As in the reference (transformers, `modeling_utils.py`), one whole file goes before an
    /// index.
    init(_ files: FolderFiles, allowsMissing: Bool) throws {
        if try files.path(of: Self.singleFile) != nil {
            try openUnindexed([Self.singleFile], files, allowsMissing)
        } else if let object = try files.object(of: ShardIndex.fileName) {
            let shardIndex: ShardIndex
            do {
                shardIndex = try ShardIndex(object)
            } catch {
                throw ModelFolderError(files.path, error)
            }
            try openIndexed(shardIndex, files, allowsMissing)
        } else {
            try openWithoutIndex(files, allowsMissing)
        }
        if !missing.isEmpty, !allowsMissing {
            throw ModelFolderError(files.path, .missingShards(missing, of: shards.count))
        }
    }

    private mutating func openIndexed(
        _ shardIndex: ShardIndex, _ files: FolderFiles, _ allowsMissing: Bool
    ) throws {
        // Every name is checked before any file is opened.
        let paths = try shardIndex.files.names.map { try files.path(of: $0) }
        for (name, path) in zip(shardIndex.files.names, paths) {
            shards.append(try open(name, at: path, allowsMissing))
        }
        index = shardIndex.weights
        shardOfWeight = shardIndex.fileOfWeight
        for (position, name) in index.names.enumerated() {
            let shard = shardOfWeight[position]
            if let file = shards[shard], file.info(name) == nil {
                throw ModelFolderError(
                    files.path,
                    .weightMissing(name: name, file: shardIndex.files.names[shard]))
            }
        }
        for (shard, file) in shards.enumerated() {
            for name in file?.names ?? [] {
                let fileName = shardIndex.files.names[shard]
                guard let position = index.position(of: name) else {
                    throw ModelFolderError(
                        files.path, .weightNotInIndex(name: name, file: fileName))
                }
                guard shardOfWeight[position] == shard else {
                    throw ModelFolderError(
                        files.path,
                        .weightTwice(
                            name: name, first: shardIndex.files.names[shardOfWeight[position]],
                            second: fileName))
                }
            }
        }
        if missing.isEmpty, let totalSize = shardIndex.totalSize {
            try check(totalSize, files)
        }
    }

    /// Compares the index's `total_size` with what is there.
    ///
    /// Most programs write the bytes of the weights, some those of the files.
    private func check(_ totalSize: Int, _ files: FolderFiles) throws {
        var weights = 0
        var all = 0
        for file in shards.compactMap({ $0 }) {
            all += file.fileByteCount
            for name in file.names { weights += file.info(name)?.byteCount ?? 0 }
        }
        guard totalSize == weights || totalSize == all else {
            throw ModelFolderError(
                files.path,
                .totalSize(
                    file: ShardIndex.fileName, found: totalSize, weights: weights, files: all))
        }
    }

    private mutating func openUnindexed(
        _ names: [String], _ files: FolderFiles, _ allowsMissing: Bool
    ) throws {
        for (shard, fileName) in names.enumerated() {
            let file = try open(fileName, at: try files.path(of: fileName), allowsMissing)
            shards.append(file)
            for name in file?.names ?? [] {
                guard index.insert(name) else {
                    let first = index.position(of: name).map { names[shardOfWeight[$0]] }
                    throw ModelFolderError(
                        files.path,
                        .weightTwice(name: name, first: first ?? "", second: fileName))
                }
                shardOfWeight.append(shard)
            }
        }
    }

    /// Deals with a folder that has neither the single file nor an index.
    private mutating func openWithoutIndex(_ files: FolderFiles, _ allowsMissing: Bool) throws {
        let names = try files.list()
        if allowsMissing, let parts = Self.partNames(names) {
            return try openUnindexed(parts, files, allowsMissing)
        }
        let pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"]
        if let pickle = names.first(where: { name in pickles.contains { name.hasSuffix($0) } }) {
            throw CheckpointError.pickle(path: files.path + "/" + pickle)
        }
        throw ModelFolderError(
            files.path, .missingFile("\(Self.singleFile) or \(ShardIndex.fileName)"))
    }

    private mutating func open(
        _ name: String, at path: String?, _ allowsMissing: Bool
    ) throws -> SafetensorsFile? {
        guard let path else {
            missing.append(name)
            return nil
        }
        do {
            return try SafetensorsFile(path: path)
        } catch let error as SafetensorsError where allowsMissing && error.isIncompleteFile {
            missing.append(name)
            return nil
        }
    }

    /// All names of a set of parts of which some are in a list: `model-00002-of-00003.safetensors`
    /// stands for three.
    static func partNames(_ names: [String]) -> [String]? {
        for name in names {
            let parts = name.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0] == "model", parts[2] == "of",
                parts[3].hasSuffix(".safetensors")
            else { continue }
            let digits = parts[3].dropLast(".safetensors".count)
            guard digits.count == 5, parts[1].count == 5, let count = Int(digits), count > 0
            else { continue }
            return (1...count).map { number in
                let text = String(number)
                let padded = String(repeating: "0", count: max(0, 5 - text.count)) + text
                return "model-\(padded)-of-\(digits).safetensors"
            }
        }
        return nil
    }
}

extension SafetensorsError {
    /// Whether the file may be good but for its missing end.
    var isIncompleteFile: Bool {
        switch reason {
        case .fileTooSmall, .badHeaderLength, .dataCutShort: true
        default: false
        }
    }
}

import FathomCheckpoints
import FathomJSON
import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An index file of Faiss, and what Faiss finds in it.
struct FaissCase: CustomTestStringConvertible {
    let name: String
    let folder: String
    let queriesPath: String
    let description: JSONValue

    var testDescription: String { name }
    var indexPath: String { folder + "/index.faiss" }

    /// The cases of the fixtures, and those of the folder that an environment variable names.
    static let all: [FaissCase] = {
        let own = read(Fixtures.path("faiss"), queries: "queries")
        guard let more = getenv("FATHOM_FAISS_CASES") else { return own }
        return own + read(String(cString: more), queries: "data")
    }()

    private static func read(_ folder: String, queries: String) -> [FaissCase] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted().compactMap { name in
            let path = folder + "/" + name
            guard access(path + "/index.faiss", R_OK) == 0,
                let bytes = try? MappedFile(path: path + "/case.json").withBytes({ Array($0) }),
                let value = try? JSONValue(parsing: bytes), let data = value["data"]?.stringValue
            else { return nil }
            return FaissCase(
                name: name, folder: path,
                queriesPath: "\(folder)/\(queries)/\(data).safetensors", description: value)
        }
    }

    /// The index file.
    func bytes() throws -> [UInt8] { try MappedFile(path: indexPath).withBytes { Array($0) } }

    /// The searches, with the fields set before them as parameters.
    func searches() throws -> [FaissSearch] {
        let expected = try expectedTensors()
        var settings: [(String, JSONValue)] = []
        return try (description["searches"]?.arrayValue ?? []).compactMap { search in
            if let set = search["set"]?.objectValue {
                for (key, value) in set { settings.append((key, value)) }
            }
            let name = search["name"]?.stringValue ?? ""
            guard expected.info(name + ".D") != nil else { return nil }
            let pairs =
                settings + (search["params"]?.objectValue.map { Array($0).map { ($0, $1) } } ?? [])
            return FaissSearch(
                name: name, k: search["k"]?.intValue,
                radius: search["radius"]?.doubleValue.map { Float($0) },
                queryCount: search["nq"]?.intValue, parameters: try SearchParameters(pairs),
                distances: try expected.tensor(name + ".D"),
                labels: try expected.tensor(name + ".I").int64Array(),
                limits: expected.info(name + ".lims") == nil
                    ? [] : try expected.tensor(name + ".lims").int64Array().map { Int($0) })
        }
    }

    /// Whether Faiss's reconstructions of float vectors are there and can be expected.
    var hasReconstructions: Bool {
        // With fewer bits than components Faiss leaves the rest of a vector as it finds it.
        guard name != "lsh_thr", let expected = try? expectedTensors(),
            let info = expected.info("reconstruct_n_0")
        else { return false }
        return info.dtype == .f32
    }

    /// The first rows as Faiss reconstructs them.
    func reconstructions() throws -> Tensor { try expectedTensors().tensor("reconstruct_n_0") }

    private func expectedTensors() throws -> SafetensorsFile {
        try SafetensorsFile(path: folder + "/expected.safetensors")
    }

    /// The standalone codes of the first vectors, and what they stand for; the vectors where the
    /// data is at hand.
    func standaloneCodes() throws -> (codes: [UInt8], decoded: [Float], vectors: [Float]?)? {
        let expected = try SafetensorsFile(path: folder + "/expected.safetensors")
        guard expected.info("sa_encode_xb_0_32") != nil,
            expected.info("sa_decode_of_that") != nil
        else { return nil }
        let data = try SafetensorsFile(path: queriesPath)
        return (
            try expected.tensor("sa_encode_xb_0_32").withBytes { Array($0) },
            try expected.tensor("sa_decode_of_that").floatArray(),
            data.info("xb") == nil ? nil : try data.tensor("xb").floatArray()
        )
    }

    func queries() throws -> Tensor {
        try SafetensorsFile(path: queriesPath).tensor("xq")
    }
}

/// One search, and what Faiss finds.
struct FaissSearch {
    let name: String
    let k: Int?
    let radius: Float?
    let queryCount: Int?
    let parameters: SearchParameters
    let distances: Tensor
    let labels: [Int64]
    let limits: [Int]

    /// The distances as floats, whole numbers included.
    var distanceValues: [Float] {
        guard distances.dtype == .i32 else { return distances.floatArray() }
        return distances.withBytes { bytes in bytes.bindMemory(to: Int32.self).map { Float($0) } }
    }
}

struct UnknownParameter: Error { let name: String }

extension SearchParameters {
    /// Parameters by the names that cases use.
    fileprivate init(_ pairs: [(String, JSONValue)]) throws {
        self.init()
        for (key, value) in pairs {
            let parts = key.split(separator: ".")
            if parts.count == 2, parts[0] == "base_index" {
                base = try SearchParameters([(String(parts[1]), value)])
                continue
            }
            switch String(parts.last ?? "") {
            case "nprobe": nprobe = value.intValue
            case "max_codes": maxCodes = value.intValue
            case "efSearch": efSearch = value.intValue
            case "check_relative_distance": checkRelativeDistance = value.boolValue
            case "bounded_queue": boundedQueue = value.boolValue
            case "k_factor": kFactor = value.doubleValue.map { Float($0) }
            case "qb": qb = value.intValue
            case "centered": centered = value.boolValue
            case "polysemous_ht": polysemousThreshold = value.intValue
            case "scan_table_threshold": scanTableThreshold = value.intValue
            case "use_precomputed_table": usePrecomputedTable = value.intValue
            case "search_L": searchL = value.intValue
            case "nflip": nflip = value.intValue
            case "use_heap": useHeap = value.boolValue
            case "implem": break  // Faiss's choice among equal ways
            case "sel": selector = try IDSelector(value)
            default: throw UnknownParameter(name: key)
            }
        }
    }
}

extension IDSelector {
    fileprivate init(_ value: JSONValue) throws {
        func inner(_ key: String) throws -> IDSelector {
            guard let inner = value[key] else { throw UnknownParameter(name: key) }
            return try IDSelector(inner)
        }
        switch value["type"]?.stringValue {
        case "all": self = .all
        case "range":
            self = .range(Int64(value["min"]?.intValue ?? 0), Int64(value["max"]?.intValue ?? 0))
        case "batch", "array":
            self = .ids(
                value["ids"]?.arrayValue?.compactMap { $0.intValue.map { Int64($0) } } ?? [])
        case "bitmap":
            let digits = value["hex"]?.stringValue?.compactMap(\.hexDigitValue) ?? []
            self = .bitmap(
                stride(from: 0, to: digits.count, by: 2).map {
                    UInt8(digits[$0] << 4 | digits[$0 + 1])
                })
        case "not": self = try .not(try inner("of"))
        case "and": self = try .and(try inner("a"), try inner("b"))
        case "or": self = try .or(try inner("a"), try inner("b"))
        case "xor": self = try .xor(try inner("a"), try inner("b"))
        default: throw UnknownParameter(name: "sel")
        }
    }
}

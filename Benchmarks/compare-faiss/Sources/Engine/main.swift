// Answers the commands of compare.py, one a line, so that engines can take turns in one run.
//
//   build FACTORY METRIC DIMENSION VECTORS INDEX THREADS   trains, fills and writes an index
//   load INDEX                                     reads one
//   map INDEX                                      opens one without reading it
//   memory INDEX                                   reads one; bytes that this adds to the process
//   search K THREADS BATCH QUERIES LABELS [NAME=VALUE ...]
//   find K QUERIES LABELS DISTANCES [NAME=VALUE ...]
//   means COUNT DIMENSION ITERATIONS VECTORS THREADS
//
// Vectors are raw floats, labels raw 64-bit integers, distances raw floats. Each answer is one line:
// seconds, and for `means` the objective.
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

struct BadCommand: Error {
    let line: String
}

func floats(_ path: String) throws -> [Float] {
    guard let file = fopen(path, "rb") else { throw BadCommand(line: path) }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let count = ftell(file) / 4
    rewind(file)
    return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = fread(buffer.baseAddress, 4, count, file)
    }
}

/// Bytes of memory that the process has now, as Linux counts them.
func residentBytes() throws -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { throw BadCommand(line: "statm") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { throw BadCommand(line: "statm") }
    let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        .split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { throw BadCommand(line: "statm") }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}

func write<Element: BitwiseCopyable>(_ values: [Element], _ path: String) throws {
    guard let file = fopen(path, "wb") else { throw BadCommand(line: path) }
    defer { fclose(file) }
    fwrite(values, MemoryLayout<Element>.stride, values.count, file)
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let time = try clock.measure(body).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
}

func parameters(_ words: ArraySlice<String>) throws -> SearchParameters {
    var parameters = SearchParameters()
    for word in words {
        let parts = word.split(separator: "=")
        guard parts.count == 2, let value = Int(parts[1]) else { throw BadCommand(line: word) }
        switch parts[0] {
        case "nprobe": parameters.nprobe = value
        case "efSearch": parameters.efSearch = value
        case "k_factor": parameters.kFactor = Float(value)
        case "base.nprobe":
            var base = parameters.base ?? SearchParameters()
            base.nprobe = value
            parameters.base = base
        default: throw BadCommand(line: word)
        }
    }
    return parameters
}

struct Engine {
    private var index: (any VectorIndex)?

    mutating func answer(_ words: [String]) throws -> String {
        func number(_ place: Int) throws -> Int {
            guard place < words.count, let number = Int(words[place]) else {
                throw BadCommand(line: words.joined(separator: " "))
            }
            return number
        }
        switch words.first {
        case "build" where words.count == 7:
            let description = try IndexDescription(
                words[1], dimension: number(3), metric: words[2] == "ip" ? .innerProduct : .l2)
            let vectors = try VectorRows(floats(words[4]), dimension: number(3))
            var builder = try IndexBuilder(description)
            let time = try seconds {
                try builder.train(vectors, threads: number(6))
                try builder.add(vectors, threads: number(6))
            }
            try builder.write(words[5])
            return "\(time)"
        case "load" where words.count == 2:
            return try "\(seconds { index = try IndexFile.read(words[1]).vectorIndex })"
        case "map" where words.count == 2:
            return try "\(seconds { index = try IndexFile.map(words[1]).vectorIndex })"
        case "memory" where words.count == 2:
            let before = try residentBytes()
            index = try IndexFile.read(words[1]).vectorIndex
            return "\(try residentBytes() - before)"
        case "search" where words.count >= 6:
            guard let index else { throw BadCommand(line: "no index") }
            let (k, threads, batch) = try (number(1), number(2), number(3))
            let all = try VectorRows(floats(words[4]), dimension: index.dimension)
            let parameters = try parameters(words[6...])
            var parts: [VectorRows] = []
            for first in stride(from: 0, to: all.count, by: batch) {
                let end = min(first + batch, all.count) * all.dimension
                parts.append(
                    try VectorRows(
                        Array(all.values[first * all.dimension..<end]), dimension: all.dimension))
            }
            var labels: [Int64] = []
            labels.reserveCapacity(all.count * k)
            let time = try seconds {
                for part in parts {
                    labels += try index.search(part, k: k, parameters: parameters, threads: threads)
                        .labels
                }
            }
            try write(labels, words[5])
            return "\(time)"
        case "find" where words.count >= 5:
            guard let index else { throw BadCommand(line: "no index") }
            let queries = try VectorRows(floats(words[2]), dimension: index.dimension)
            let found = try index.search(
                queries, k: number(1), parameters: try parameters(words[5...]))
            try write(found.labels, words[3])
            try write(found.distances, words[4])
            return "0"
        case "means" where words.count == 6:
            let vectors = try VectorRows(floats(words[4]), dimension: number(2))
            var settings = KMeans.Settings()
            settings.iterationCount = try number(3)
            var objective: Float = 0
            let means = try KMeans(centroidCount: number(1), settings: settings)
            let time = try seconds {
                objective =
                    try means.train(vectors, threads: number(5)).iterations.last?.objective ?? 0
            }
            return "\(time) \(objective)"
        default:
            throw BadCommand(line: words.joined(separator: " "))
        }
    }

}

var engine = Engine()
while let line = readLine() {
    do {
        print(try engine.answer(line.split(separator: " ").map(String.init)))
    } catch {
        print("error \(error)")
    }
    fflush(nil)
}

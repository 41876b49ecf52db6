#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Gives damaged inputs to a reader: a fixed number of them in a usual run of the tests.
///
/// The environment variable `FATHOM_FUZZ_SECONDS` makes every reader go on for that long and
/// print how many inputs it had. With `FATHOM_FUZZ_FOLDER` each input is written there before it
/// is tried, so that one that ends the process can be looked at.
public enum Fuzzing {
    public static func run(
        _ reader: String, count: Int, next: () -> [UInt8], _ body: ([UInt8]) throws -> Void
    ) rethrows {
        guard let seconds = variable("FATHOM_FUZZ_SECONDS").flatMap({ Double($0) }), seconds > 0
        else {
            for _ in 0..<count { try body(next()) }
            return
        }
        let file = variable("FATHOM_FUZZ_FOLDER").map { "\($0)/\(reader)" }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var inputCount = 0
        while clock.now < end {
            let input = next()
            if let file { keep(input, in: file) }
            try body(input)
            inputCount += 1
        }
        print("fuzz: \(inputCount) inputs, \(reader)")
    }

    private static func keep(_ bytes: [UInt8], in path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        _ = write(file, bytes, bytes.count)
        close(file)
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

import ArgumentParser
import FathomTensors

struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads that compute; physical cores by default.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be from 1 to 1024")
        }
    }

    /// Makes the thread pool of the wanted size and binds this thread beside it.
    func apply() {
        if let threads { ThreadPool.configure(threads: threads) }
        ThreadPool.pinCaller()
    }
}

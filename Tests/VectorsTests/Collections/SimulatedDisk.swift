import FathomTestSupport
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder in memory that can fail at any step, and lose what a power cut loses.
final class SimulatedDisk: CollectionFolder, Sendable {
    /// What happens at the chosen step.
    enum Fault: Hashable {
        /// The step fails, the next ones do not.
        case error(Int32)
        /// A part of the bytes is written, then the disk is full; once.
        case fullWithinWrite
        /// The process ends within the step: it and all later ones fail.
        case end
    }

    /// A file: what the system has of it, and what is on disk.
    fileprivate final class Node {
        var content: [UInt8] = []
        var synced: [UInt8] = []
    }

    private struct State {
        var names: [String: Node] = [:]
        var durableNames: [String: Node] = [:]
        /// Changes of names since the folder was brought to disk, in order.
        var pending: [[String: Node]] = []
        var step = 0
        var faults: [Int: Fault] = [:]
        var hasEnded = false
        var isLocked = false
        var random: SeededGenerator
    }

    private let state: Guarded
    let path = "disk"

    init(seed: UInt64 = 1) { state = Guarded(State(random: SeededGenerator(seed: seed))) }

    /// A `Mutex` would not let files be shared between states.
    private final class Guarded: @unchecked Sendable {
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private var state: State

        init(_ state: State) {
            self.state = state
            pthread_mutex_init(mutex, nil)
        }

        deinit {
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        func withLock<Result>(_ body: (inout State) -> Result) -> Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return body(&state)
        }
    }

    /// Steps that changed something so far.
    var stepCount: Int { state.withLock { $0.step } }

    func fail(at step: Int, _ fault: Fault) { state.withLock { $0.faults[step] = fault } }

    /// The bytes of a file, to look at or to damage.
    subscript(name: String) -> [UInt8]? {
        get { state.withLock { $0.names[name]?.content } }
        set {
            state.withLock { state in
                guard let newValue else {
                    state.names[name] = nil
                    return
                }
                let node = Node()
                node.content = newValue
                node.synced = newValue
                state.names[name] = node
            }
        }
    }

    /// The disk as a process finds it that starts after the end of another one.
    func restarted() -> SimulatedDisk {
        copy {
            $0.names
        } content: { node, _ in
            node.content
        }
    }

    /// The disk after a power cut: of what was not brought to disk a part is there, chosen by a
    /// seed: the first changes of names, the first bytes of what was added to a file.
    func afterPowerCut(seed: UInt64) -> SimulatedDisk {
        copy(seed: seed) { state in
            let kept = Int.random(in: 0...state.pending.count, using: &state.random)
            return kept == 0 ? state.durableNames : state.pending[kept - 1]
        } content: { node, random in
            let (new, old) = (node.content, node.synced)
            guard new.starts(with: old) else { return Bool.random(using: &random) ? new : old }
            let length = Int.random(in: old.count...new.count, using: &random)
            var content = Array(new[..<length])
            if length < new.count, Bool.random(using: &random) {
                // The file's length came to disk, and zeros in the place of the rest.
                let rest = Int.random(in: 0...new.count - length, using: &random)
                content += Array(repeating: 0, count: rest)
            }
            return content
        }
    }

    private func copy(
        seed: UInt64 = 1, names: (inout State) -> [String: Node],
        content: (Node, inout SeededGenerator) -> [UInt8]
    ) -> SimulatedDisk {
        let copy = SimulatedDisk(seed: seed)
        let files = state.withLock { state -> [(String, [UInt8])] in
            state.random = SeededGenerator(seed: seed)
            return names(&state).sorted { $0.key < $1.key }
                .map { ($0.key, content($0.value, &state.random)) }
        }
        for (name, bytes) in files { copy[name] = bytes }
        copy.state.withLock { $0.durableNames = $0.names }
        return copy
    }

    /// Counts a step and fails where it is the chosen one; gives how many of some bytes are
    /// written before that.
    private static func step(
        _ state: inout State, _ name: String, bytes: Int = 0
    ) -> (allowed: Int, error: CollectionError?) {
        guard !state.hasEnded else {
            return (0, CollectionError(name, .system("go on", EIO)))
        }
        defer { state.step += 1 }
        guard let fault = state.faults[state.step] else { return (bytes, nil) }
        let part = Int.random(in: 0...bytes, using: &state.random)
        switch fault {
        case .error(let code): return (0, CollectionError(name, .system("go on", code)))
        case .fullWithinWrite:
            return (part, CollectionError(name, .noRoom(neededBytes: bytes - part)))
        case .end:
            state.hasEnded = true
            return (part, CollectionError(name, .system("go on", EIO)))
        }
    }

    private func change(
        _ name: String, _ body: (inout State) -> CollectionError?
    ) throws(CollectionError) {
        let error = state.withLock { state -> CollectionError? in
            let (_, error) = Self.step(&state, name)
            guard error == nil else { return error }
            let failure = body(&state)
            if failure == nil { state.pending.append(state.names) }
            return failure
        }
        if let error { throw error }
    }

    // MARK: CollectionFolder

    func list() throws(CollectionError) -> [String] { state.withLock { $0.names.keys.sorted() } }

    func contents(_ name: String) throws(CollectionError) -> any FileContents {
        guard let bytes = self[name] else { throw CollectionError(path, .missing(name)) }
        return HeldBytes(bytes)
    }

    func create(_ name: String) throws(CollectionError) -> any AppendableFile {
        let node = Node()
        try change(name) { state in
            guard state.names[name] == nil else {
                return CollectionError(name, .system("create", EEXIST))
            }
            state.names[name] = node
            return nil
        }
        return File(disk: self, node: node, name: name)
    }

    func append(
        to name: String, from length: Int
    ) throws(CollectionError) -> any AppendableFile {
        let node = state.withLock { $0.names[name] }
        guard let node else { throw CollectionError(path, .missing(name)) }
        let file = File(disk: self, node: node, name: name)
        try file.cut(to: length)
        return file
    }

    func rename(_ name: String, to newName: String) throws(CollectionError) {
        try change(name) { state in
            guard let node = state.names.removeValue(forKey: name) else {
                return CollectionError(name, .system("rename", ENOENT))
            }
            state.names[newName] = node
            return nil
        }
    }

    func remove(_ name: String) throws(CollectionError) {
        try change(name) { state in
            state.names.removeValue(forKey: name) == nil
                ? CollectionError(name, .system("remove", ENOENT)) : nil
        }
    }

    func sync() throws(CollectionError) {
        let error = state.withLock { state -> CollectionError? in
            let (_, error) = Self.step(&state, "the folder")
            guard error == nil else { return error }
            state.durableNames = state.names
            state.pending = []
            return nil
        }
        if let error { throw error }
    }

    func lock() throws(CollectionError) -> any Sendable {
        let isFree = state.withLock { state in
            defer { state.isLocked = true }
            return !state.isLocked
        }
        guard isFree else { throw CollectionError(path, .inUse(process: 1)) }
        return Lock(disk: self)
    }

    private final class Lock: Sendable {
        private let disk: SimulatedDisk
        init(disk: SimulatedDisk) { self.disk = disk }
        deinit { disk.state.withLock { $0.isLocked = false } }
    }

    private final class File: AppendableFile, @unchecked Sendable {
        private let disk: SimulatedDisk
        private let node: Node
        private let name: String

        init(disk: SimulatedDisk, node: Node, name: String) {
            self.disk = disk
            self.node = node
            self.name = name
        }

        func append(_ bytes: UnsafeRawBufferPointer) throws(CollectionError) {
            let copy = Array(bytes)
            let error = disk.state.withLock { state -> CollectionError? in
                let (allowed, error) = SimulatedDisk.step(&state, name, bytes: copy.count)
                node.content += copy[..<allowed]
                return error
            }
            if let error { throw error }
        }

        func cut(to length: Int) throws(CollectionError) {
            let error = disk.state.withLock { state -> CollectionError? in
                let (_, error) = SimulatedDisk.step(&state, name)
                if error == nil { node.content = Array(node.content.prefix(length)) }
                return error
            }
            if let error { throw error }
        }

        func sync() throws(CollectionError) {
            let error = disk.state.withLock { state -> CollectionError? in
                let (_, error) = SimulatedDisk.step(&state, name)
                if error == nil { node.synced = node.content }
                return error
            }
            if let error { throw error }
        }
    }
}

/// Bytes at an address that suits floats, as a mapping has it.
private final class HeldBytes: FileContents, @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ content: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: content.count, alignment: 64)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }

    func checkIntact() throws(CollectionError) {}
}

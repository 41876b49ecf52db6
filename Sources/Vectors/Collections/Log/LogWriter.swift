/// The end of the log, to which operations are added. Used by one thread at a time.
final class LogWriter {
    let header: LogReader.Header
    private let file: any AppendableFile
    private let path: String
    private(set) var length: Int
    /// The last operation in the log.
    private(set) var lastSequence: UInt64
    /// The last operation known to be on disk.
    private(set) var durableSequence: UInt64
    /// Why nothing more can be written, if so.
    private(set) var failure: CollectionError?

    /// Makes a new log, whole and on disk before it has its name.
    static func create(
        in folder: any CollectionFolder, _ header: LogReader.Header
    ) throws -> LogWriter {
        let name = FileNames.log(header.number)
        let bytes = try header.encoded()
        try folder.replace(name, with: bytes)
        return LogWriter(
            header, try folder.append(to: name, from: bytes.count), folder.path(of: name),
            length: bytes.count, lastSequence: header.firstSequence &- 1)
    }

    /// The end of a log that was read; what is behind `length` is cut off.
    static func resume(
        in folder: any CollectionFolder, _ header: LogReader.Header,
        _ outcome: LogReader.Outcome
    ) throws(CollectionError) -> LogWriter {
        let name = FileNames.log(header.number)
        let file = try folder.append(to: name, from: outcome.length)
        // What was found may never have been brought to disk.
        try file.sync()
        return LogWriter(
            header, file, folder.path(of: name), length: outcome.length,
            lastSequence: outcome.lastSequence)
    }

    private init(
        _ header: LogReader.Header, _ file: any AppendableFile, _ path: String, length: Int,
        lastSequence: UInt64
    ) {
        self.header = header
        self.file = file
        self.path = path
        self.length = length
        self.lastSequence = lastSequence
        durableSequence = lastSequence
    }

    /// Adds operations, all of them or none.
    ///
    /// - Parameter isDurable: whether to bring them to disk before this returns.
    func append(_ payloads: [[UInt8]], isDurable: Bool) throws(CollectionError) {
        if let failure { throw CollectionError(path, .logFailed("\(failure)")) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            payloads.reduce(0) { $0 + $1.count + RecordFrame.byteCount })
        for (i, payload) in payloads.enumerated() {
            RecordFrame.append(
                payload, sequence: lastSequence &+ UInt64(i) &+ 1, durable: durableSequence,
                salt: header.salt, to: &bytes)
        }
        do {
            try FilePiece.bytes(bytes).append(to: file)
        } catch {
            // A full disk is no end of the log, if the part that was written can be taken away.
            do {
                try file.cut(to: length)
            } catch let second {
                failure = second
            }
            throw error
        }
        if isDurable {
            do {
                try file.sync()
            } catch {
                // What is on disk now cannot be known; a system may forget what it failed to write.
                failure = error
                try? file.cut(to: length)
                throw error
            }
        }
        length += bytes.count
        lastSequence &+= UInt64(payloads.count)
        if isDurable { durableSequence = lastSequence }
    }

    /// Brings everything to disk.
    func sync() throws(CollectionError) {
        guard durableSequence < lastSequence else { return }
        if let failure { throw CollectionError(path, .logFailed("\(failure)")) }
        do {
            try file.sync()
        } catch {
            failure = error
            throw error
        }
        durableSequence = lastSequence
    }
}

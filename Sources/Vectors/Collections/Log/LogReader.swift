/// What a log tells of the operations after a manifest.
///
/// A record that fails its checksum is either the tail of a write that never finished, which is
/// cut, or damage of an operation that had been on disk, which is an error. It is damage if a later
/// record says so (`RecordFrame.durable`), as that of a log that was closed in order does, or if a
/// later log begins behind it.
struct LogReader {
    /// What begins a log: its salt is the collection's mark and its own number.
    struct Header: Hashable {
        let mark: UInt64
        let number: UInt64
        let firstSequence: UInt64

        static let magic: StaticString = "FATHOMLG"
        static let byteCount = 40

        var salt: UInt64 { mark &+ number &* 0x9E37_79B9_7F4A_7C15 }

        func encoded() throws(IndexFileError) -> [UInt8] {
            var writer = IndexWriter()
            try writer.value(mark)
            try writer.value(number)
            try writer.value(firstSequence)
            return SealedFile.encode(Self.magic, writer)
        }

        init(mark: UInt64, number: UInt64, firstSequence: UInt64) {
            self.mark = mark
            self.number = number
            self.firstSequence = firstSequence
        }

        init(_ bytes: UnsafeRawBufferPointer, path: String) throws(CollectionError) {
            let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.byteCount))
            self = try SealedFile.decode(Self.magic, head, "head of the log", of: path) { reader in
                Header(
                    mark: try reader.u64("mark"), number: try reader.u64("number"),
                    firstSequence: try reader.u64("first"))
            }
        }
    }

    /// The whole log was read, or what was left out of it.
    struct Outcome {
        /// Bytes of the header and of the records that hold.
        var length: Int
        /// Bytes behind them.
        var cutBytes: Int
        /// The last operation.
        var lastSequence: UInt64
        /// Operations behind damage or a torn record, which are given up.
        var droppedOperations: Int
        /// Whether the record that does not hold had been on disk, or may have been.
        var isDamaged: Bool
    }

    let path: String
    let bytes: UnsafeRawBufferPointer
    let header: Header
    let dimension: Int
    let columns: [ColumnDefinition]
    /// An operation that is known to have been on disk, with those before it; 0 for none.
    let durable: UInt64
    /// Whether to go on without what comes after damage.
    let cutsAtDamage: Bool

    static let remedy =
        "bring the collection back from a copy, or give up what comes after it by opening with "
        + "'.cutAtDamage' (fathom collection compact --cut-damaged-log)"

    /// Gives every operation to a closure, in order.
    func forEach(
        _ body: (UInt64, Operation) throws(CollectionError) -> Void
    ) throws(CollectionError) -> Outcome {
        var offset = Header.byteCount
        var sequence = header.firstSequence &- 1
        var dropped = 0
        var isDamaged = false
        while offset < bytes.count {
            guard let frame = RecordFrame(bytes, at: offset), frame.sequence == sequence &+ 1,
                frame.matches(bytes, at: offset, salt: header.salt)
            else {
                let later = laterRecords(from: offset + 1, after: sequence)
                isDamaged = durable > sequence || later.contains { $0.durable > sequence }
                if isDamaged && !cutsAtDamage {
                    throw .damaged(
                        path, "log",
                        found: "the record of operation \(sequence &+ 1) at byte \(offset) does "
                            + "not match its checksum, and \(later.count) operations follow",
                        remedy: Self.remedy)
                }
                dropped = later.count
                break
            }
            let start = offset + RecordFrame.byteCount
            let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<start + frame.length])
            let operation = try IndexReader.reading(
                payload, "record of operation \(frame.sequence)", of: path, remedy: Self.remedy
            ) { reader in
                try Operation.decode(&reader, dimension: dimension, columns: columns)
            }
            try body(frame.sequence, operation)
            sequence = frame.sequence
            offset += RecordFrame.byteCount + frame.length
        }
        if durable > sequence && offset == bytes.count {
            // The log ends in order, but too early.
            isDamaged = true
            guard cutsAtDamage else {
                throw .damaged(
                    path, "log",
                    found: "it ends after operation \(sequence), and \(durable) had been on disk",
                    remedy: Self.remedy)
            }
        }
        return Outcome(
            length: offset, cutBytes: bytes.count - offset, lastSequence: sequence,
            droppedOperations: dropped,
            isDamaged: isDamaged)
    }

    /// Records that hold somewhere behind one that does not.
    private func laterRecords(from start: Int, after sequence: UInt64) -> [RecordFrame] {
        var found: [RecordFrame] = []
        var offset = start
        while let frame = RecordFrame(bytes, at: offset) {
            // So many records have room before this place.
            let limit = UInt64((offset - start) / RecordFrame.byteCount + 2)
            if frame.sequence > sequence, frame.sequence - sequence <= limit,
                frame.matches(bytes, at: offset, salt: header.salt)
            {
                found.append(frame)
                offset += RecordFrame.byteCount + frame.length
            } else {
                offset += 1
            }
        }
        return found
    }
}

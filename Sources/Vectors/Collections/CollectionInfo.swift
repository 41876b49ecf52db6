/// What a collection consists of at one time.
public struct CollectionInfo: Sendable, Hashable {
    public struct Segment: Sendable, Hashable {
        /// The number in the name of its file.
        public let number: UInt64
        /// Rows, the deleted ones among them.
        public let rows: Int
        public let deleted: Int
        /// The factory string of its index; `Flat` for one that is scanned.
        public let index: String
        /// Bytes of its file.
        public let bytes: Int
    }

    public let settings: CollectionSettings
    /// Operations since the collection was made.
    public let sequence: UInt64
    /// Vectors that can be found.
    public let count: Int
    public let segments: [Segment]
    /// Rows in memory that are in the log alone.
    public let unsealedRows: Int
    /// Bytes of the log that grows; nil for a collection that was opened for reading.
    public let logBytes: Int?
    /// Why sealing or merging in the background failed last, if it did.
    public let maintenanceFailure: String?

    init(
        _ state: CollectionState, _ settings: CollectionSettings, logBytes: Int?, failure: String?
    ) {
        self.settings = settings
        sequence = state.sequence
        count = state.count
        segments = state.sealed.map { view in
            Segment(
                number: view.segment.number, rows: view.count,
                deleted: view.deleted.memberCount,
                index: view.segment.index == nil ? "Flat" : settings.factory,
                bytes: view.segment.byteCount)
        }
        unsealedRows = state.heads.reduce(0) { $0 + $1.count }
        self.logBytes = logBytes
        maintenanceFailure = failure
    }
}

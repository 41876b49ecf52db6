/// When an operation that returned is safe.
public enum Durability: Sendable, Hashable {
    /// It is on disk when the call returns: neither a killed process nor a power cut loses it.
    /// Threads that write at the same time share the wait.
    case everyCommit
    /// It is with the system when the call returns, and on disk so many milliseconds later at the
    /// latest, or after `VectorCollection.sync()`. A killed process loses nothing, a power cut the
    /// operations of that time: the last ones, never one without those after it.
    case interval(milliseconds: Int)
}

/// How a collection is opened for writing.
public struct CollectionOptions: Sendable, Hashable {
    /// Who seals and merges segments.
    public enum Maintenance: Sendable, Hashable {
        /// Threads of the collection, when there is something to do.
        case background
        /// Nobody but `VectorCollection.seal()` and `compact()`.
        case manual
    }

    /// What becomes of a log whose middle is damaged.
    public enum DamagedLog: Sendable, Hashable {
        /// The collection is not opened; the error says where the damage is.
        case refuse
        /// Operations after the damage are given up. The log as it was is kept beside it, as
        /// `log-N.damaged`.
        case cutAtDamage
    }

    public var durability: Durability
    public var maintenance: Maintenance
    public var damagedLog: DamagedLog

    public init(
        durability: Durability = .everyCommit, maintenance: Maintenance = .background,
        damagedLog: DamagedLog = .refuse
    ) {
        self.durability = durability
        self.maintenance = maintenance
        self.damagedLog = damagedLog
    }
}

/// What was found when a collection was opened.
public struct RecoveryReport: Sendable, Hashable {
    /// Operations that were taken from the log.
    public internal(set) var replayedOperations = 0
    /// Bytes cut from the log's end: operations that were never acknowledged as durable, unless
    /// `isLogCutAtDamage`.
    public internal(set) var cutBytes = 0
    /// Whether the log was cut at damage, by `CollectionOptions.DamagedLog.cutAtDamage`.
    public internal(set) var isLogCutAtDamage = false
    /// How many readable operations were behind the damage, in the same log.
    public internal(set) var droppedOperations = 0
    /// Files of work that was never finished, cleared away.
    public internal(set) var removedFiles: [String] = []

    /// What there is to say, a line each.
    public var notes: [String] {
        var notes: [String] = []
        if isLogCutAtDamage {
            notes.append(
                "the log was cut at damage, with \(droppedOperations) operations or more behind it; "
                    + "it is kept as log-N.damaged")
        } else if cutBytes > 0 {
            notes.append(
                "the log ended within an operation that was never acknowledged; its \(cutBytes) "
                    + "bytes were left out")
        }
        if !removedFiles.isEmpty {
            notes.append(
                "files of work that was not finished were removed: "
                    + removedFiles.joined(separator: ", "))
        }
        return notes
    }
}

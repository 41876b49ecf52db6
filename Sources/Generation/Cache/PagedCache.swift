public import FathomModels

/// The cache of one sequence: pages of a store, in the order of their positions.
public final class PagedCache: SequenceCache {
    public private(set) var count = 0

    /// Positions, from the first on, for which the layer that predicts the token after the next
    /// has stored its rows as well; at most `count`.
    private(set) var predictedCount = 0

    public var memory: SequenceMemory?

    private let store: PageStore
    private var owned: [UnsafeMutableRawPointer] = []
    private var table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var tableCapacity = 16

    public init(_ store: PageStore) {
        self.store = store
        table = .allocate(capacity: tableCapacity)
    }

    public var pages: UnsafePointer<UnsafeMutableRawPointer?> { UnsafePointer(table) }

    /// Makes room for `additional` more positions.
    ///
    /// - Throws: `GenerationError.outOfCacheMemory`; the cache is as before then.
    public func reserve(_ additional: Int) throws(GenerationError) {
        let needed = (count + additional + CacheLayout.pageLength - 1) / CacheLayout.pageLength
        guard needed > owned.count else { return }
        let fresh = try store.take(needed - owned.count)
        if needed > tableCapacity {
            let capacity = max(needed, 2 * tableCapacity)
            let larger = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: capacity)
            larger.update(from: table, count: owned.count)
            table.deallocate()
            table = larger
            tableCapacity = capacity
        }
        for page in fresh {
            table[owned.count] = page
            owned.append(page)
        }
    }

    /// Counts positions as stored that a pass has written.
    ///
    /// - Precondition: room was made for them.
    public func advance(_ positions: Int) {
        precondition(
            count + positions <= owned.count * CacheLayout.pageLength, "no room was reserved")
        count += positions
    }

    /// Counts positions for which the prediction layer has stored its rows.
    func advancePrediction(_ positions: Int) {
        precondition(predictedCount + positions <= count, "predictions end with the sequence")
        predictedCount += positions
    }

    /// Forgets the last position, so that it is run again and its hidden state is at hand; the
    /// prediction layer's rows stay.
    func stepBack() {
        precondition(count > 0, "no position to go back to")
        precondition(memory == nil, "a model with a memory has no prediction layer")
        count -= 1
    }

    /// Forgets all positions from `length` on; all of them if what the model keeps besides rows
    /// cannot go back that far.
    public func truncate(to wanted: Int) {
        precondition(wanted >= 0 && wanted <= count, "\(wanted) of \(count) positions")
        var length = wanted
        if let memory {
            self.memory = memory.cut(to: wanted)
            if self.memory == nil { length = 0 }
        }
        count = length
        // A row of that layer depends on the token after its position, too.
        predictedCount = min(predictedCount, max(0, length - 1))
        let needed = (length + CacheLayout.pageLength - 1) / CacheLayout.pageLength
        store.giveBack(owned[needed...])
        owned.removeSubrange(needed...)
    }

    deinit {
        store.giveBack(owned[...])
        table.deallocate()
    }
}

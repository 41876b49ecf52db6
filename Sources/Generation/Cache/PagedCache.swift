public import FathomModels

/// The cache of one sequence: pages of a store, in the order of their positions.
public final class PagedCache: SequenceCache {
    public private(set) var count = 0

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

    /// Forgets all positions from `length` on.
    public func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "\(length) of \(count) positions")
        count = length
        let needed = (length + CacheLayout.pageLength - 1) / CacheLayout.pageLength
        store.giveBack(owned[needed...])
        owned.removeSubrange(needed...)
    }

    deinit {
        store.giveBack(owned[...])
        table.deallocate()
    }
}

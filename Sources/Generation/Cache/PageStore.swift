public import FathomModels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The pages that the caches of a model's sequences are made of.
///
/// A page holds the keys and values of 64 positions in all layers. Sequences take pages as they
/// grow and give them back; nothing is moved and no sequence needs room for its longest length.
public final class PageStore: @unchecked Sendable {
    public let layout: CacheLayout

    /// The most bytes of pages in use at once.
    public let maximumBytes: Int

    private struct State {
        var free: [UnsafeMutableRawPointer] = []
        var used = 0
        var allocated: [UnsafeMutableRawPointer] = []
    }

    private let lock = Mutex(())
    private nonisolated(unsafe) var state = State()

    public init(_ layout: CacheLayout, maximumBytes: Int) {
        self.layout = layout
        self.maximumBytes = maximumBytes
    }

    /// Pages in use.
    public var usedPages: Int { lock.withLock { _ in state.used } }

    /// Takes pages; all of them or none.
    ///
    /// - Throws: `GenerationError.outOfCacheMemory` if that many would exceed `maximumBytes`.
    func take(_ count: Int) throws(GenerationError) -> [UnsafeMutableRawPointer] {
        let taken: [UnsafeMutableRawPointer]? = lock.withLock { _ in
            guard (state.used + count) * layout.pageBytes <= maximumBytes else { return nil }
            var pages: [UnsafeMutableRawPointer] = []
            for _ in 0..<count {
                if let page = state.free.popLast() {
                    pages.append(page)
                    continue
                }
                var raw: UnsafeMutableRawPointer?
                guard posix_memalign(&raw, 64, layout.pageBytes) == 0, let page = raw else {
                    state.free += pages
                    return nil
                }
                state.allocated.append(page)
                pages.append(page)
            }
            state.used += count
            return pages
        }
        guard let taken else {
            let available = maximumBytes - usedPages * layout.pageBytes
            throw .outOfCacheMemory(
                neededBytes: count * layout.pageBytes, availableBytes: max(0, available))
        }
        return taken
    }

    func giveBack(_ pages: ArraySlice<UnsafeMutableRawPointer>) {
        lock.withLock { _ in
            state.free += pages
            state.used -= pages.count
        }
    }

    deinit {
        for page in state.allocated { free(page) }
    }
}

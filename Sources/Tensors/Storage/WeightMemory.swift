import FathomKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Places packed weights side by side in large blocks of memory.
///
/// The matrices of a small model are smaller than a huge page each; side by side they fill huge
/// pages, which are faulted in once per 2 MiB and need 500 times fewer entries of the address
/// translation. A block lives as long as a matrix in it.
final class WeightMemory: Sendable {
    static let shared = WeightMemory()

    private static let hugePage = 2 << 20
    private static let blockBytes = 32 << 20
    private static let alignment = 64

    private final class Block: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let capacity: Int

        init(capacity: Int) {
            var raw: UnsafeMutableRawPointer?
            guard posix_memalign(&raw, WeightMemory.hugePage, capacity) == 0, let raw else {
                preconditionFailure("out of memory: \(capacity) bytes are not to be had")
            }
            fk_prefer_huge_pages(raw, capacity)
            start = raw
            self.capacity = capacity
        }

        deinit { free(start) }
    }

    private struct Current {
        weak var block: Block?
        var used = 0
    }

    private let current = Mutex(Current())

    /// Uninitialised memory, aligned to 64 bytes.
    func allocate(_ byteCount: Int) -> Storage {
        let needed = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        return current.withLock { current in
            if let block = current.block, current.used + needed <= block.capacity {
                defer { current.used += needed }
                return Storage(
                    borrowing: block.start + current.used, byteCount: byteCount, owner: block)
            }
            let pages = (max(needed, Self.blockBytes) + Self.hugePage - 1) / Self.hugePage
            let block = Block(capacity: pages * Self.hugePage)
            // The next matrices go where there is more room left.
            let room = current.block.map { $0.capacity - current.used } ?? 0
            if block.capacity - needed > room {
                current.block = block
                current.used = needed
            }
            return Storage(borrowing: block.start, byteCount: byteCount, owner: block)
        }
    }
}

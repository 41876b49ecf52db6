import FathomKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps freed buffers for the next tensor of about that size.
///
/// Results of operations come and go by the thousand in every forward pass. Handing their pages
/// back to the system would cost a page fault for each 4 KiB on the next pass; kept here, a
/// steady state touches the system not at all.
final class ScratchPool: Sendable {
    static let shared = ScratchPool()

    /// Buffers of a class hold `minimum << (class / 4)` plus quarters of it, so at most a fifth
    /// of a buffer is unused.
    private struct Free {
        var lists: [[UnsafeMutableRawPointer]] = Array(repeating: [], count: ScratchPool.classCount)
        var bytes = 0
    }

    static let smallest = 256
    static let classCount = 4 * 40
    /// Free memory kept at most; beyond it buffers go back to the system.
    static let keptBytes = 1 << 30
    private static let hugePage = 2 << 20

    private let free = Mutex(FreeBox())

    private struct FreeBox: @unchecked Sendable {
        var value = Free()
    }

    /// The smallest class whose buffers hold `bytes`, and their size.
    static func sizeClass(for bytes: Int) -> (index: Int, capacity: Int) {
        let wanted = max(bytes, smallest)
        var octave = Int.bitWidth - 1 - (wanted / smallest).leadingZeroBitCount
        if octave < 0 { octave = 0 }
        let base = smallest << octave
        let quarter = base / 4
        let steps = (wanted - base + quarter - 1) / quarter
        return (octave * 4 + steps, base + steps * quarter)
    }

    func allocate(_ bytes: Int) -> (pointer: UnsafeMutableRawPointer, capacity: Int) {
        let (index, capacity) = Self.sizeClass(for: bytes)
        let kept: UnsafeMutableRawPointer? = free.withLock { box in
            guard index < Self.classCount, let last = box.value.lists[index].popLast() else {
                return nil
            }
            box.value.bytes -= capacity
            return last
        }
        if let kept { return (kept, capacity) }
        let alignment = capacity >= Self.hugePage ? Self.hugePage : 64
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, alignment, capacity) == 0, let pointer = raw else {
            preconditionFailure("out of memory: \(capacity) bytes are not to be had")
        }
        if capacity >= Self.hugePage { fk_prefer_huge_pages(pointer, capacity) }
        return (pointer, capacity)
    }

    func release(_ pointer: UnsafeMutableRawPointer, capacity: Int) {
        let (index, _) = Self.sizeClass(for: capacity)
        let keeps = free.withLock { box in
            guard index < Self.classCount, box.value.bytes + capacity <= Self.keptBytes else {
                return false
            }
            box.value.lists[index].append(pointer)
            box.value.bytes += capacity
            return true
        }
        if !keeps { posixFree(pointer) }
    }

    /// Gives all free buffers back to the system.
    func trim() {
        let lists = free.withLock { box in
            let lists = box.value.lists
            box.value = Free()
            return FreeLists(lists: lists)
        }
        for list in lists.lists { for pointer in list { posixFree(pointer) } }
    }

    private struct FreeLists: @unchecked Sendable {
        let lists: [[UnsafeMutableRawPointer]]
    }
}

private func posixFree(_ pointer: UnsafeMutableRawPointer) {
    free(pointer)
}

/// Where lists are in a file of their own, laid out as Faiss's `OnDiskInvertedLists` does.
///
/// Lists get a capacity that is a power of two and the first free range that is large enough; the
/// file begins with 32 bytes and doubles when none is.
struct DiskListsLayout {
    private(set) var lists: [DiskLists.List] = []
    /// Offsets and capacities, in bytes, of ranges that nothing is in.
    private(set) var freeSlots: [(offset: UInt64, size: UInt64)] = []
    private(set) var totalSize: UInt64 = 0

    /// - Parameters:
    ///   - counts: vectors of each list.
    ///   - entrySize: bytes of a code and its label.
    /// - Throws: `TrainingError` where the lists do not fit a file.
    init(counts: [Int], entrySize: Int) throws(TrainingError) {
        for count in counts {
            guard count > 0 else {
                lists.append(DiskLists.List(count: 0, capacity: 0, offset: 0))
                continue
            }
            var capacity = 1
            while capacity < count { capacity *= 2 }
            let size = capacity.multipliedReportingOverflow(by: entrySize)
            guard !size.overflow, size.partialValue < 1 << 60, totalSize < 1 << 60 else {
                throw .tooManyVectors(limit: 1 << 60, index: "a file of inverted lists, in bytes")
            }
            let offset = allocate(UInt64(size.partialValue))
            lists.append(DiskLists.List(count: count, capacity: capacity, offset: offset))
        }
    }

    private mutating func allocate(_ size: UInt64) -> UInt64 {
        var place = freeSlots.firstIndex { $0.size >= size }
        while place == nil {
            let grown = totalSize == 0 ? 32 : totalSize * 2
            // What is free at the end grows with the file.
            if let last = freeSlots.last, last.offset + last.size == totalSize {
                freeSlots[freeSlots.count - 1].size += grown - totalSize
            } else {
                freeSlots.append((totalSize, grown - totalSize))
            }
            totalSize = grown
            place = freeSlots.firstIndex { $0.size >= size }
        }
        let slot = place ?? 0
        let offset = freeSlots[slot].offset
        if freeSlots[slot].size == size {
            freeSlots.remove(at: slot)
        } else {
            freeSlots[slot] = (offset + size, freeSlots[slot].size - size)
        }
        return offset
    }
}

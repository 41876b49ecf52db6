import FathomKernels

extension Array where Element: BitwiseCopyable {
    /// Makes room for elements that will be jumped about in, if they are many: in huge pages, which
    /// take fewer misses of the address cache.
    mutating func reserveLarge(_ wanted: Int) {
        guard wanted > capacity else { return }
        reserveCapacity(Swift.max(wanted, count + count / 2))
        let size = capacity * MemoryLayout<Element>.stride
        guard size >= largeArrayBytes else { return }
        withUnsafeMutableBytes { fk_prefer_huge_pages($0.baseAddress, size) }
    }
}

/// Bytes from which on an array is in huge pages.
let largeArrayBytes = 1 << 22

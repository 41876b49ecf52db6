#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Room on the disk that holds a path.
enum FreeSpace {
    /// Kept free beyond what a download needs, so that a pull does not fill the disk to the brim.
    static let reserveBytes: Int64 = 64 << 20

    /// Bytes this user may still write at a path, which need not exist yet.
    static func bytes(at path: String) throws(HubError) -> Int64 {
        var place = path
        while true {
            var status = statvfs()
            if statvfs(place, &status) == 0 {
                let (bytes, overflows) = UInt64(status.f_bavail)
                    .multipliedReportingOverflow(by: UInt64(status.f_frsize))
                return overflows ? .max : Int64(clamping: bytes)
            }
            guard errno == ENOENT || errno == ENOTDIR, let parent = Folders.parent(of: place) else {
                throw FileFault.last("find the free space", path)
            }
            place = parent
        }
    }

    /// Throws when fewer bytes are free than are needed and held in reserve.
    static func require(
        _ neededBytes: Int64, at path: String, measuring free: (String) throws -> Int64
    ) throws {
        guard neededBytes > 0 else { return }
        let (needed, overflows) = neededBytes.addingReportingOverflow(reserveBytes)
        let available = try free(path)
        guard !overflows, needed <= available else {
            throw HubError.notEnoughSpace(
                path: path, neededBytes: overflows ? neededBytes : needed, freeBytes: available)
        }
    }
}

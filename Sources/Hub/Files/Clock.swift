#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The calendar's time, for records; durations are measured with `ContinuousClock`.
enum Clock {
    static func secondsSince1970() -> Int64 {
        Int64(time(nil))
    }
}

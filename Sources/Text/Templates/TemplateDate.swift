#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

/// A date and time of day on some wall clock, for `strftime_now`.
public struct TemplateDate: Sendable, Hashable {
    /// The year, such as 2026.
    public var year: Int
    /// The month, from 1.
    public var month: Int
    /// The day of the month, from 1.
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int
    public var microsecond: Int

    /// Makes a date; values outside of the calendar are brought to the nearest one inside.
    public init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
        microsecond: Int = 0
    ) {
        self.year = min(max(year, 1), 9999)
        self.month = min(max(month, 1), 12)
        self.day = min(max(day, 1), Self.days(in: self.month, of: self.year))
        self.hour = min(max(hour, 0), 23)
        self.minute = min(max(minute, 0), 59)
        self.second = min(max(second, 0), 59)
        self.microsecond = min(max(microsecond, 0), 999_999)
    }

    /// The date and time now, in the time zone of the machine.
    public static var now: TemplateDate {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        var seconds = moment.tv_sec
        var local = tm()
        localtime_r(&seconds, &local)
        return TemplateDate(
            year: Int(local.tm_year) + 1900, month: Int(local.tm_mon) + 1, day: Int(local.tm_mday),
            hour: Int(local.tm_hour), minute: Int(local.tm_min), second: Int(local.tm_sec),
            microsecond: Int(moment.tv_nsec) / 1000)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// The day of the year, from 0.
    private var dayOfYear: Int {
        (1..<month).reduce(day - 1) { $0 + Self.days(in: $1, of: year) }
    }

    /// The day of the week, from 0 for Sunday.
    private var weekday: Int {
        let past = year - 1
        return (1 + past + past / 4 - past / 100 + past / 400 + dayOfYear) % 7
    }

    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]

    /// The date in a format of C's `strftime`, in English.
    ///
    /// A `-` after the percent sign leaves out leading zeros. An unknown conversion stays as it is.
    func formatted(_ format: String) -> String {
        var result = ""
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            var padding: Unicode.Scalar?
            if let first = rest.first, "-_0^#".unicodeScalars.contains(first) {
                padding = first
                rest.removeFirst()
            }
            guard let conversion = rest.popFirst() else {
                result += "%" + (padding.map { String($0) } ?? "")
                break
            }
            result +=
                converted(conversion, padding)
                ?? "%" + (padding.map { String($0) } ?? "") + String(conversion)
        }
        return result
    }

    private func converted(_ conversion: Unicode.Scalar, _ padding: Unicode.Scalar?) -> String? {
        func number(_ value: Int, _ width: Int, _ fill: Character = "0") -> String {
            let digits = String(value)
            if padding == "-" { return digits }
            let fill = padding == "_" ? " " : padding == "0" ? "0" : fill
            return String(repeating: fill, count: max(width - digits.count, 0)) + digits
        }
        func word(_ text: some StringProtocol) -> String {
            padding == "^" ? text.uppercased() : String(text)
        }
        let hour12 = hour % 12 == 0 ? 12 : hour % 12
        switch conversion {
        case "a": return word(Self.weekdays[weekday].prefix(3))
        case "A": return word(Self.weekdays[weekday])
        case "b", "h": return word(Self.months[month - 1].prefix(3))
        case "B": return word(Self.months[month - 1])
        case "c": return formatted("%a %b %e %H:%M:%S %Y")
        case "C": return number(year / 100, 2)
        case "d": return number(day, 2)
        case "D", "x": return formatted("%m/%d/%y")
        case "e": return number(day, 2, " ")
        case "f": return number(microsecond, 6)
        case "F": return formatted("%Y-%m-%d")
        case "H": return number(hour, 2)
        case "I": return number(hour12, 2)
        case "j": return number(dayOfYear + 1, 3)
        case "k": return number(hour, 2, " ")
        case "l": return number(hour12, 2, " ")
        case "m": return number(month, 2)
        case "M": return number(minute, 2)
        case "n": return "\n"
        case "p": return padding == "#" ? (hour < 12 ? "am" : "pm") : (hour < 12 ? "AM" : "PM")
        case "P": return hour < 12 ? "am" : "pm"
        case "r": return formatted("%I:%M:%S %p")
        case "R": return formatted("%H:%M")
        case "S": return number(second, 2)
        case "t": return "\t"
        case "T", "X": return formatted("%H:%M:%S")
        case "u": return number(weekday == 0 ? 7 : weekday, 1)
        case "U": return number((dayOfYear + 7 - weekday) / 7, 2)
        case "w": return number(weekday, 1)
        case "W": return number((dayOfYear + 7 - (weekday + 6) % 7) / 7, 2)
        case "y": return number(year % 100, 2)
        case "Y": return number(year, 1)
        // Python's `datetime.now()` knows no time zone.
        case "z", "Z": return ""
        case "%": return "%"
        default: return nil
        }
    }
}

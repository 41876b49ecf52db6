import FathomJSON
import FathomText
import Testing

@Suite("Dates in chat templates")
struct TemplateDateTests {
    private func text(_ format: String, _ date: TemplateDate) throws -> String {
        var template = try ChatTemplate("{{ strftime_now(format) }}")
        template.now = { date }
        return try template.render(["format": .string(format)])
    }

    @Test("formats are those of C, in English")
    func formats() throws {
        let date = TemplateDate(
            year: 2024, month: 7, day: 6, hour: 17, minute: 4, second: 3, microsecond: 42)
        let expected = [
            "%d %b %Y": "06 Jul 2024", "%A, %B %-d, %Y": "Saturday, July 6, 2024",
            "%Y-%m-%d %H:%M:%S": "2024-07-06 17:04:03", "%I:%M %p": "05:04 PM", "%j": "188",
            "%f": "000042", "%y%%": "24%", "%e|%-I": " 6|5", "%U %W %w %u": "26 27 6 6",
            "%c": "Sat Jul  6 17:04:03 2024", "%x %X": "07/06/24 17:04:03", "%Q": "%Q",
            "100%": "100%",
        ]
        for (format, wanted) in expected {
            #expect(try text(format, date) == wanted, "\(format)")
        }
    }

    @Test("the day of the week is right across leap years and centuries")
    func weekdays() throws {
        let expected = [
            (2000, 2, 29, "Tuesday"), (1900, 3, 1, "Thursday"), (2026, 1, 1, "Thursday"),
            (1970, 1, 1, "Thursday"), (2100, 12, 31, "Friday"), (1, 1, 1, "Monday"),
        ]
        for (year, month, day, name) in expected {
            #expect(try text("%A", TemplateDate(year: year, month: month, day: day)) == name)
        }
    }

    @Test("values outside of the calendar are brought inside")
    func clamping() throws {
        let date = TemplateDate(year: 2023, month: 13, day: 40, hour: 99)
        #expect(try text("%F %H", date) == "2023-12-31 23")
        #expect(TemplateDate(year: 2023, month: 2, day: 30).day == 28)
    }

    @Test("now is a date of this century")
    func now() {
        #expect((2000..<2100).contains(TemplateDate.now.year))
    }
}

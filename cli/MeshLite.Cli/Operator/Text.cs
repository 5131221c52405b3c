using System.Globalization;

namespace MeshLite.Cli.Operator;

/// <summary>Tables and spans of time as people read them. Pure but for the writer.</summary>
internal static class Text
{
    /// <summary>On one line, and without what a terminal would obey: sidecars and documents say whatever they like.</summary>
    public static string Clean(string text) => string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c)).Trim();

    /// <summary>Columns as wide as they must be, two spaces apart; the first row is the heading.</summary>
    public static void WriteTable(TextWriter output, IReadOnlyList<string[]> rows)
    {
        rows = [.. rows.Select(row => row.Select(Clean).ToArray())];
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    /// <summary>In its largest unit: <c>29d</c>, <c>23h</c>, <c>12m</c>, <c>40s</c>.</summary>
    public static string Span(TimeSpan span) =>
        span.TotalDays >= 2 ? $"{(int)span.TotalDays}d" : span.TotalHours >= 2 ? $"{(int)span.TotalHours}h" : span.TotalMinutes >= 2 ? $"{(int)span.TotalMinutes}m" : $"{(int)span.TotalSeconds}s";

    /// <summary>A moment, to the second.</summary>
    public static string Moment(DateTimeOffset at) => at.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);

    /// <summary><c>1 sidecar</c>, <c>2 sidecars</c>.</summary>
    public static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    /// <summary>The first few, then how many more.</summary>
    public static string Some(IEnumerable<string> all, int most = 5)
    {
        var list = all.ToList();
        return string.Join(", ", list.Take(most)) + (list.Count > most ? $" and {list.Count - most} more" : "");
    }
}

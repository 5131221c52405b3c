using System.Globalization;
using System.Security;
using System.Text;

namespace MeshLite.Bench.Report;

/// <summary>A bar chart as SVG: groups side by side, in each a bar for every series that has a value. Immutable.</summary>
internal sealed record GroupedBars
{
    private const int Left = 64;
    private const int Right = 16;
    private const int Top = 76;
    private const int PlotHeight = 260;
    private const int Bottom = 40;
    private const int BarWidth = 30;
    private const int GroupGap = 34;

    public required string Title { get; init; }

    /// <summary>Of the values, for the axis.</summary>
    public required string Unit { get; init; }

    public required IReadOnlyList<string> Groups { get; init; }

    public required IReadOnlyList<Series> Bars { get; init; }

    private int Steps => Groups.Count;

    private int GroupWidth => (Bars.Count * BarWidth) + GroupGap;

    private int Width => Left + Right + Math.Max(Steps * GroupWidth, Math.Max(LegendWidth, Title.Length * 9));

    private int LegendWidth => Bars.Sum(b => 40 + (b.Name.Length * 8));

    /// <summary>The document.</summary>
    public string ToSvg()
    {
        var highest = Bars.SelectMany(b => b.Values).Max() ?? 0;
        var step = NiceStep(highest <= 0 ? 1 : highest);
        var top = Math.Max(step, Math.Ceiling(highest / step) * step);
        var height = Top + PlotHeight + Bottom;
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" font-family="system-ui, sans-serif" font-size="12">""");
        svg.AppendLine(CultureInfo.InvariantCulture, $"""  <rect width="{Width}" height="{height}" fill="#ffffff"/>""");
        Text(svg, Left, 24, "start", "#1f2937", Title, "font-size=\"15\" font-weight=\"600\"");
        Legend(svg);
        for (var tick = 0; tick <= Math.Round(top / step); tick++)
        {
            var y = Y(tick * step, top);
            svg.AppendLine(CultureInfo.InvariantCulture, $"""  <line x1="{Left}" y1="{y:0.#}" x2="{Width - Right}" y2="{y:0.#}" stroke="{(tick == 0 ? "#9ca3af" : "#e5e7eb")}"/>""");
            Text(svg, Left - 8, y + 4, "end", "#6b7280", (tick * step).ToString("0.##", CultureInfo.InvariantCulture));
        }

        Text(svg, Left - 8, Top - 14, "end", "#6b7280", Unit);
        for (var group = 0; group < Steps; group++)
        {
            Group(svg, group, top);
        }

        return svg.AppendLine("</svg>").ToString();
    }

    /// <summary>Between ticks: 1, 2 or 5 times a power of ten, for four to ten of them.</summary>
    internal static double NiceStep(double highest)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(highest)));
        return (highest / power) switch
        {
            <= 1.0001 => power / 5,
            <= 2.0001 => power / 2,
            <= 5 => power,
            _ => 2 * power,
        };
    }

    private void Legend(StringBuilder svg)
    {
        var x = Left;
        foreach (var bar in Bars)
        {
            svg.AppendLine(CultureInfo.InvariantCulture, $"""  <rect x="{x}" y="36" width="12" height="12" rx="2" fill="{bar.Color}"/>""");
            Text(svg, x + 18, 46, "start", "#374151", bar.Name);
            x += 40 + (bar.Name.Length * 8);
        }
    }

    private void Group(StringBuilder svg, int group, double top)
    {
        var x = Left + (group * GroupWidth) + (GroupGap / 2);
        for (var i = 0; i < Bars.Count; i++)
        {
            if (Bars[i].Values[group] is not { } value)
            {
                continue;
            }

            var y = Y(value, top);
            svg.AppendLine(CultureInfo.InvariantCulture, $"""  <rect x="{x + (i * BarWidth) + 2}" y="{y:0.#}" width="{BarWidth - 4}" height="{Top + PlotHeight - y:0.#}" rx="2" fill="{Bars[i].Color}"/>""");
            Text(svg, x + (i * BarWidth) + (BarWidth / 2), y - 4, "middle", "#374151", Short(value), "font-size=\"10\"");
        }

        Text(svg, x + (Bars.Count * BarWidth / 2), Top + PlotHeight + 20, "middle", "#374151", Groups[group]);
    }

    private static double Y(double value, double top) => Top + (PlotHeight * (1 - (value / top)));

    private static string Short(double value) => value.ToString(value switch { < 10 => "0.00", < 100 => "0.0", _ => "0" }, CultureInfo.InvariantCulture);

    private static void Text(StringBuilder svg, double x, double y, string anchor, string color, string text, string more = "") =>
        svg.AppendLine(CultureInfo.InvariantCulture, $"""  <text x="{x:0.#}" y="{y:0.#}" text-anchor="{anchor}" fill="{color}" {more}>{SecurityElement.Escape(text)}</text>""");
}

/// <summary>One kind of bar.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Color">CSS.</param>
/// <param name="Values">One for each group; null: none.</param>
internal sealed record Series(string Name, string Color, IReadOnlyList<double?> Values);

using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MeshLite.Sidecar;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>What <c>/metrics</c> said at one moment. Immutable.</summary>
internal sealed partial class Scrape
{
    private static readonly HttpClient Client = new();
    private readonly List<(string Name, Dictionary<string, string> Labels, double Value)> _samples = [];

    private Scrape(string text)
    {
        Text = text;
        foreach (Match line in Sample().Matches(text))
        {
            _samples.Add((
                line.Groups["name"].Value,
                Label().Matches(line.Groups["labels"].Value).ToDictionary(l => l.Groups[1].Value, l => l.Groups[2].Value),
                double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>As served.</summary>
    public string Text { get; }

    public static async Task<Scrape> OfAsync(SidecarComponents sidecar) =>
        await OfAsync(sidecar.Server.TelemetryAddress);

    public static async Task<Scrape> OfAsync(IPEndPoint telemetry) => new(await Client.GetStringAsync(new Uri($"http://{telemetry}/metrics")));

    /// <summary>Sum of the series of a name whose labels are among these; an empty value also matches an absent label.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) => Matching(name, labels).Sum(s => s.Value);

    /// <summary>The series of <c>meshlite_requests_total</c> that are not zero: the labels asked for, then the count.</summary>
    public List<string> Requests(params string[] labels) =>
    [
        .. _samples.Where(s => s.Name == "meshlite_requests_total" && s.Value > 0)
            .GroupBy(s => string.Join(' ', labels.Select(l => s.Labels.GetValueOrDefault(l, "")))).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key} {g.Sum(s => s.Value)}"),
    ];

    private IEnumerable<(string Name, Dictionary<string, string> Labels, double Value)> Matching(string name, (string Name, string Value)[] labels) =>
        _samples.Where(s => s.Name == name && labels.All(l => s.Labels.GetValueOrDefault(l.Name, "") == l.Value));

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>[^}]*)\})? (?<value>\S+)""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();

    [GeneratedRegex("(\\w+)=\"([^\"]*)\"")]
    private static partial Regex Label();
}

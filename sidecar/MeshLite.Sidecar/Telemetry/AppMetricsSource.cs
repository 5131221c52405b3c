using System.Globalization;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>Where the application's own metrics are: <c>--app-metrics [https:]PORT/PATH</c>, at the pod's own address. Immutable.</summary>
internal sealed record AppMetricsSource(bool IsHttps, int Port, string Path)
{
    private const string Https = "https:";

    /// <summary>Null and empty: there are none. Throws <see cref="StartupException"/>.</summary>
    public static AppMetricsSource? Parse(string option, string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var isHttps = text.StartsWith(Https, StringComparison.Ordinal);
        var rest = isHttps ? text[Https.Length..] : text;
        var slash = rest.IndexOf('/');
        return slash > 0 && ushort.TryParse(rest.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? new AppMetricsSource(isHttps, port, rest[slash..])
            : throw StartupException.WrongOption(option, $"'{text}' is not [https:]PORT/PATH, for example 8080/metrics");
    }
}

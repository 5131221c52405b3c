using System.Globalization;
using System.Text.RegularExpressions;
using MeshLite.Processes;

namespace MeshLite.Bench.Load;

/// <summary>wrk with one thread: HTTP/1.1, each connection the next request as soon as the last is answered (closed loop). Its text output is read.</summary>
/// <param name="launcher">Starts it.</param>
/// <param name="closesConnections">A new connection for each request.</param>
internal sealed class WrkLoad(ProcessLauncher launcher, bool closesConnections) : ILoadGenerator
{
    public string Name => "wrk -t1";

    public async Task<LoadResult> RunAsync(LoadTarget target, int connections, TimeSpan duration)
    {
        var wrk = await launcher.RunAsync(
            new ProcessSpec
            {
                Name = "wrk",
                FileName = "wrk",
                Arguments = ["-t1", $"-c{connections}", $"-d{duration.TotalSeconds:0}s", "--latency", "-H", $"Host: {target.Host}", .. closesConnections ? new[] { "-H", "Connection: close" } : [], target.Address.ToString()],
            },
            duration + TimeSpan.FromSeconds(30));
        return Parse(string.Join('\n', wrk.Log.Lines));
    }

    internal static LoadResult Parse(string output)
    {
        var total = Find(output, @"(\d+) requests in ([\d.]+\w+),");
        if (!total.Success)
        {
            throw new ProcessFailedException($"wrk said something unexpected:\n{output}");
        }

        var failures = Find(output, @"Non-2xx or 3xx responses: (\d+)") is { Success: true } bad ? long.Parse(bad.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        if (Find(output, @"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)") is { Success: true } errors)
        {
            failures += errors.Groups.Cast<Group>().Skip(1).Sum(g => long.Parse(g.Value, CultureInfo.InvariantCulture));
        }

        return new LoadResult(
            long.Parse(total.Groups[1].Value, CultureInfo.InvariantCulture), failures, Time(total.Groups[2].Value), Percentile(output, "50%"), Percentile(output, "99%"), null);
    }

    private static TimeSpan Percentile(string output, string label) =>
        Time(Find(output, $@"^\s+{label}\s+(\S+)").Groups[1].Value);

    private static Match Find(string output, string expression) =>
        Regex.Match(output, expression, RegexOptions.Multiline | RegexOptions.NonBacktracking);

    // "1.07ms", "830.00us", "1.02s", "1.00m"
    private static TimeSpan Time(string text)
    {
        var digits = text.TrimEnd('s', 'm', 'u', 'h');
        var value = double.Parse(digits, CultureInfo.InvariantCulture);
        return text[digits.Length..] switch
        {
            "us" => TimeSpan.FromMicroseconds(value),
            "ms" => TimeSpan.FromMilliseconds(value),
            "s" => TimeSpan.FromSeconds(value),
            "m" => TimeSpan.FromMinutes(value),
            var unit => throw new FormatException($"wrk: unit '{unit}'"),
        };
    }
}

using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using MeshLite.Processes;

namespace MeshLite.Bench.Load;

/// <summary>
/// h2load: unary gRPC calls over h2c, one at a time on each connection (closed loop). It knows nothing of gRPC, and a
/// failed call is an HTTP 200: that each answer brought its message is seen by the bytes received.
/// </summary>
internal sealed class H2Load(ProcessLauncher launcher, string directory) : ILoadGenerator
{
    private int _runs;

    public string Name => "h2load -t1 -m1";

    public async Task<LoadResult> RunAsync(LoadTarget target, int connections, TimeSpan duration)
    {
        var (message, log) = (Path.Combine(directory, $"message-{target.BodyBytes}"), Path.Combine(directory, $"h2load-{++_runs}.log"));
        await File.WriteAllBytesAsync(message, Frame(target.BodyBytes));
        var h2load = await launcher.RunAsync(
            new ProcessSpec
            {
                Name = "h2load",
                FileName = "h2load",
                Arguments =
                [
                    "-t1", $"-c{connections}", "-m1", $"-D{duration.TotalSeconds:0}", "-d", message, "--log-file", log,
                    "-H", $":authority: {target.Host}", "-H", "content-type: application/grpc", "-H", "te: trailers", target.Address.ToString(),
                ],
            },
            duration + TimeSpan.FromSeconds(30));
        var lines = File.Exists(log) ? await File.ReadAllLinesAsync(log) : [];
        File.Delete(log);
        return Parse(string.Join('\n', h2load.Log.Lines), lines, 5 + target.BodyBytes);
    }

    /// <summary>A message as it goes over the wire: not compressed, its length, its bytes.</summary>
    public static byte[] Frame(int bytes)
    {
        var frame = new byte[5 + bytes];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), bytes);
        frame.AsSpan(5).Fill((byte)'x');
        return frame;
    }

    /// <param name="output">What it wrote to standard output.</param>
    /// <param name="log">Of each request: when it began, its status, how long it took, in µs; by tabs.</param>
    /// <param name="answerBytes">Each answer has so many.</param>
    internal static LoadResult Parse(string output, IReadOnlyList<string> log, int answerBytes)
    {
        var finished = Find(output, @"finished in ([\d.]+)(\w+),");
        var requests = Find(output, @"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded");
        var data = Find(output, @"\((\d+)\) data");
        if (!finished.Success || !requests.Success || !data.Success)
        {
            throw new ProcessFailedException($"h2load said something unexpected:\n{output}");
        }

        var (done, succeeded) = (Number(requests.Groups[1]), Number(requests.Groups[2]));
        // Whole answers only: what was cut off at the end of the run brings some bytes more.
        var failures = done - Math.Min(succeeded, Number(data.Groups[1]) / answerBytes);
        var seconds = double.Parse(finished.Groups[1].Value, CultureInfo.InvariantCulture) * (finished.Groups[2].Value == "ms" ? 0.001 : 1);
        var latencies = new Results.Latencies(log.Select(line => TimeSpan.FromMicroseconds(long.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture))));
        return new LoadResult(
            succeeded, failures, TimeSpan.FromSeconds(seconds), latencies.Percentile(50), latencies.Percentile(99), latencies.Percentile(99.9));
    }

    private static long Number(Group group) => long.Parse(group.Value, CultureInfo.InvariantCulture);

    private static Match Find(string output, string expression) => Regex.Match(output, expression, RegexOptions.NonBacktracking);
}

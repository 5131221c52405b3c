using MeshLite.Bench.Load;

namespace MeshLite.Bench.Tests.Load;

public class H2LoadTests
{
    // As h2load 1.52 writes it.
    private const string Output = """
        finished in 2.00s, 1000.00 req/s, 2.10MB/s
        requests: 4 total, 5 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout
        status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
        traffic: 4.19MB (4394652) total, 159.48KB (163310) headers (space savings 94.96%), 420B (420) data
        """;

    private static readonly string[] Log = ["100\t200\t1000", "200\t200\t2000", "300\t200\t3000", "400\t200\t4000"];

    [Fact]
    public void Parse_AllAnsweredWhole_HasTheFigures()
    {
        var result = H2Load.Parse(Output, Log, 105);

        (result.Requests, result.Failures, result.Duration).ShouldBe((4, 0, TimeSpan.FromSeconds(2)));
        (result.P50, result.P99).ShouldBe((TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(4)));
    }

    [Fact]
    public void Parse_AnswersWithoutTheirMessage_AreFailures() =>
        H2Load.Parse(Output.Replace("(420) data", "(210) data", StringComparison.Ordinal), Log, 105).Failures.ShouldBe(2);

    [Fact]
    public void Frame_AnyLength_HasItsPrefix() => H2Load.Frame(258)[..6].ShouldBe([0, 0, 0, 1, 2, (byte)'x']);
}

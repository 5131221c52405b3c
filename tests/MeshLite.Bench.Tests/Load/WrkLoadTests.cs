using MeshLite.Bench.Load;

namespace MeshLite.Bench.Tests.Load;

public class WrkLoadTests
{
    // As wrk 4.1 writes it.
    private const string Output = """
          1 threads and 32 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency     2.44ms    1.30ms  40.95ms   85.76%
          Latency Distribution
             50%    2.10ms
             75%    2.98ms
             90%    3.91ms
             99%  830.00us
          26384 requests in 2.01s, 6.19MB read
          Socket errors: connect 0, read 3, write 0, timeout 1
          Non-2xx or 3xx responses: 7
        """;

    [Fact]
    public void Parse_ErrorsAndOtherStatuses_AreFailures()
    {
        var result = WrkLoad.Parse(Output);

        (result.Requests, result.Failures, result.Duration).ShouldBe((26_384, 11, TimeSpan.FromSeconds(2.01)));
        (result.P50, result.P99, result.P999).ShouldBe((TimeSpan.FromMilliseconds(2.1), TimeSpan.FromMicroseconds(830), null));
    }
}

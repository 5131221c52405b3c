using FsCheck;
using FsCheck.Fluent;
using MeshLite.Metrics;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using MeshLite.Sidecar.Tests.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Telemetry;

public sealed class RequestMetricsTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;
    private readonly RequestMetrics _metrics;

    public RequestMetricsTests()
    {
        _registry = new MetricRegistry(_time);
        _metrics = new RequestMetrics(_registry, _time);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _registry.Dispose();
    }

    [Fact]
    public void Record_Request_HasTheLabelsOfTheContract()
    {
        _metrics.Record(new RequestRecord
        {
            Direction = Direction.Inbound,
            SourceWorkload = "frontend-1",
            SourceNamespace = "shop",
            DestinationService = "orders",
            DestinationNamespace = "store",
            DestinationWorkload = "orders-2",
            DestinationVersion = "v2",
            Route = "orders/everyone",
            Method = "POST",
            Status = 503,
            GrpcStatus = 14,
            Reason = "connect_failure",
            Tls = true,
            Duration = TimeSpan.FromMilliseconds(7),
            RequestBytes = 65,
            ResponseBytes = 5_000_000_000,
        });

        const string Labels = "direction=inbound,source_workload=frontend-1,source_namespace=shop,destination_service=orders,destination_namespace=store,"
            + "destination_workload=orders-2,destination_version=v2,route=orders/everyone,method=POST,response_code=503,grpc_status=14,reason=connect_failure,tls=true";
        var samples = Exposition.Samples(_registry);
        samples[$"meshlite_requests_total{{{Labels}}}"].ShouldBe(1);
        samples[$"meshlite_request_duration_seconds_count{{{Labels}}}"].ShouldBe(1);
        samples[$"meshlite_request_duration_seconds_sum{{{Labels}}}"].ShouldBe(0.007, 1e-9);
        samples[$"meshlite_request_duration_seconds_bucket{{{Labels},le=0.005}}"].ShouldBe(0);
        samples[$"meshlite_request_duration_seconds_bucket{{{Labels},le=0.01}}"].ShouldBe(1);
        samples[$"meshlite_request_bytes_sum{{{Labels}}}"].ShouldBe(65);
        samples[$"meshlite_request_bytes_bucket{{{Labels},le=64}}"].ShouldBe(0);
        samples[$"meshlite_request_bytes_bucket{{{Labels},le=256}}"].ShouldBe(1);
        samples[$"meshlite_response_bytes_sum{{{Labels}}}"].ShouldBe(5e9);
        samples[$"meshlite_response_bytes_bucket{{{Labels},le=67108864}}"].ShouldBe(0);
        samples[$"meshlite_response_bytes_count{{{Labels}}}"].ShouldBe(1);
    }

    [Fact]
    public void Record_MethodsAndCodesOutOfTheVocabulary_ShareOneLabel()
    {
        for (var i = 0; i < 50; i++)
        {
            _metrics.Record(new RequestRecord { Method = $"BREW{i}", Status = 1000 + i, GrpcStatus = 17 + i });
        }

        var series = Exposition.Samples(_registry).Where(s => s.Key.StartsWith("meshlite_requests_total{", StringComparison.Ordinal)).ToArray();

        // The cache may tell them apart; the exposition must not.
        series.Length.ShouldBe(1);
        series[0].Value.ShouldBe(50);
        series[0].Key.ShouldContain("method=_other,response_code=_other,grpc_status=_other");
    }

    [Fact]
    public void Record_AnyRecords_EachCountsOnceUnderItsLabels() =>
        Prop.ForAll(Records().ListOf(100).ToArbitrary(), records =>
        {
            using var registry = new MetricRegistry(_time);
            using var metrics = new RequestMetrics(registry, _time);
            foreach (var record in records)
            {
                metrics.Record(in record);
            }

            var samples = Exposition.Samples(registry);
            samples.Where(s => s.Key.StartsWith("meshlite_requests_total{", StringComparison.Ordinal)).Sum(s => s.Value).ShouldBe(records.Count);
            foreach (var group in records.GroupBy(Key))
            {
                samples[$"meshlite_requests_total{{{group.Key}}}"].ShouldBe(group.Count());
                samples[$"meshlite_request_duration_seconds_count{{{group.Key}}}"].ShouldBe(group.Count());
                samples[$"meshlite_request_bytes_count{{{group.Key}}}"].ShouldBe(group.Count());
                samples[$"meshlite_response_bytes_count{{{group.Key}}}"].ShouldBe(group.Count());
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Record_MoreLabelsThanTheCap_CountsAllAndBoundsTheSeries()
    {
        for (var i = 0; i < 3000; i++)
        {
            _metrics.Record(new RequestRecord { DestinationWorkload = $"orders-{i}", Status = 200 });
        }

        var requests = Exposition.Samples(_registry).Where(s => s.Key.StartsWith("meshlite_requests_total{", StringComparison.Ordinal)).ToArray();
        requests.Length.ShouldBe(RequestMetrics.MaxRequestSeries + 1);
        requests.Sum(s => s.Value).ShouldBe(3000);
        requests.Single(s => s.Key.Contains("destination_workload=_other")).Value.ShouldBe(1000);
        foreach (var name in (string[])["meshlite_request_duration_seconds", "meshlite_request_bytes", "meshlite_response_bytes"])
        {
            var histograms = Exposition.Samples(_registry).Where(s => s.Key.StartsWith($"{name}_count{{", StringComparison.Ordinal)).ToArray();
            histograms.Length.ShouldBe(RequestMetrics.MaxHistogramSeries + 1);
            histograms.Sum(s => s.Value).ShouldBe(3000);
        }
    }

    [Fact]
    public void Record_AfterAllSeriesExpired_CountsAgainAndMakesRoom()
    {
        for (var round = 1; round <= 3; round++)
        {
            for (var i = 0; i < RequestMetrics.MaxRequestSeries; i++)
            {
                _metrics.Record(new RequestRecord { DestinationWorkload = $"orders-{round}-{i}", Method = "GET", Status = 200 });
            }

            var requests = Exposition.Samples(_registry).Where(s => s.Key.StartsWith("meshlite_requests_total{", StringComparison.Ordinal)).ToArray();
            requests.Length.ShouldBe(RequestMetrics.MaxRequestSeries);
            requests.Count(s => s.Value == 1 && s.Key.Contains($"=orders-{round}-")).ShouldBe(RequestMetrics.MaxRequestSeries);
            _time.Advance(TimeSpan.FromMinutes(12));
            GC.Collect();
        }
    }

    [Fact]
    public void Record_IdleForTenMinutes_LeavesEveryFamilyButWhatIsUsed()
    {
        _metrics.Record(new RequestRecord { Route = "idle", Status = 200 });
        for (var minute = 0; minute < 11; minute++)
        {
            _metrics.Record(new RequestRecord { Route = "used", Status = 200 });
            _time.Advance(TimeSpan.FromMinutes(1));
            if (minute < 9)
            {
                Routes().ShouldBe(["idle", "used"]);
            }
        }

        Routes().ShouldBe(["used"]);
        return;

        string[] Routes() =>
        [
            .. Exposition.Samples(_registry).Keys.Where(key => key.StartsWith("meshlite_re", StringComparison.Ordinal))
                .Select(key => key.Contains("route=idle") ? "idle" : "used").Distinct().Order(),
        ];
    }

    [Fact]
    public void Record_SpanExported_IsTheExemplarOfItsDuration()
    {
        _metrics.Record(new RequestRecord { Duration = TimeSpan.FromMilliseconds(7), TraceId = new TraceId(1, 2), ExportedSpan = new SpanId(3) });
        _metrics.Record(new RequestRecord { Duration = TimeSpan.FromMilliseconds(70), TraceId = new TraceId(4, 5) });

        var lines = Exposition.Write(_registry, ExpositionFormat.OpenMetrics).Split('\n').Where(line => line.Contains(" # {")).ToArray();
        lines.Length.ShouldBe(1);
        lines[0].ShouldStartWith("meshlite_request_duration_seconds_bucket{");
        lines[0].ShouldEndWith(",le=\"0.01\"} 1 # {trace_id=\"00000000000000010000000000000002\",span_id=\"0000000000000003\"} 0.007 1767225600.000");
    }

    [Fact]
    public void Record_KnownLabels_AllocatesNothing()
    {
        var record = new RequestRecord { Method = "GET", Route = "orders/everyone", DestinationWorkload = "orders-1", Status = 200 };

        Allocations.Of(() => _metrics.Record(in record)).ShouldBe(0);
    }

    [Fact]
    public async Task Record_FromManyThreads_LosesNothing()
    {
        await InParallel.RunAsync(_ =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                _metrics.Record(new RequestRecord { Route = $"r{i % 300}", Status = 200 });
            }
        });

        var requests = Exposition.Samples(_registry).Where(s => s.Key.StartsWith("meshlite_requests_total{", StringComparison.Ordinal)).ToArray();
        requests.Length.ShouldBe(300);
        requests.Sum(s => s.Value).ShouldBe(80_000);
    }

    private static Gen<RequestRecord> Records()
    {
        // Alike but for a field or two, and some of them such that the cache's hash cannot tell them apart: it looks at
        // lengths and ends.
        var change = from index in Gen.Choose(0, 7) from text in Gen.Elements("", "a", "acb", "adb", "orders-1", "ordexs-1") select (index, text);
        return from first in change
               from second in change
               from method in Gen.Elements("GET", "GET", "POST", "X")
               from status in Gen.Elements(200, 200, 200, 0, 503)
               from grpc in Gen.Elements(null, null, null, (int?)0, 14)
               from flags in Gen.Elements(0, 0, 0, 1, 2, 3)
               let texts = Changed(first, second)
               select new RequestRecord
               {
                   SourceWorkload = texts[0],
                   SourceNamespace = texts[1],
                   DestinationService = texts[2],
                   DestinationNamespace = texts[3],
                   DestinationWorkload = texts[4],
                   DestinationVersion = texts[5],
                   Route = texts[6],
                   Reason = texts[7],
                   Method = method,
                   Status = status,
                   GrpcStatus = grpc,
                   Direction = (Direction)(flags & 1),
                   Tls = flags > 1,
               };
    }

    private static string[] Changed(params (int Index, string Text)[] changes)
    {
        var texts = Enumerable.Repeat("acb", 8).ToArray();
        foreach (var (index, text) in changes)
        {
            texts[index] = text;
        }

        return texts;
    }

    private static string Key(RequestRecord r) =>
        $"direction={(r.Direction == Direction.Inbound ? "inbound" : "outbound")},source_workload={r.SourceWorkload},source_namespace={r.SourceNamespace},"
        + $"destination_service={r.DestinationService},destination_namespace={r.DestinationNamespace},destination_workload={r.DestinationWorkload},"
        + $"destination_version={r.DestinationVersion},route={r.Route},method={(r.Method == "X" ? "_other" : r.Method)},response_code={(r.Status == 0 ? "" : r.Status)},"
        + $"grpc_status={r.GrpcStatus},reason={r.Reason},tls={(r.Tls ? "true" : "false")}";
}

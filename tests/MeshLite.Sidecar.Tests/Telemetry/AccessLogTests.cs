using System.Net;
using System.Text;
using System.Text.Json;
using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using MeshLite.Sidecar.Tests.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Telemetry;

public sealed class AccessLogTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly GatedStream _output = new();
    private readonly MetricRegistry _registry;
    private readonly AccessLog _log;

    public AccessLogTests()
    {
        _registry = new MetricRegistry(_time);
        _log = new AccessLog(_output, _registry, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _output.Open();
        await _log.DisposeAsync();
        _registry.Dispose();
        await _output.DisposeAsync();
    }

    [Fact]
    public async Task Record_Everything_IsOneLineOfTheContractsFields()
    {
        _log.Record(new RequestRecord
        {
            Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)),
            TraceId = new TraceId(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736),
            Direction = Direction.Outbound,
            SourceWorkload = "frontend-1",
            SourceNamespace = "shop",
            DestinationService = "orders",
            DestinationNamespace = "store",
            DestinationWorkload = "orders-2",
            DestinationVersion = "v2",
            Route = "orders/\"every\"\none",
            Endpoint = IPEndPoint.Parse("[::1]:8080"),
            Method = "GET",
            Target = "/a%2Fb/é+<?token=secret",
            Protocol = "HTTP/2",
            Status = 504,
            GrpcStatus = 4,
            Reason = "request_timeout",
            Attempts = 3,
            Duration = TimeSpan.FromMicroseconds(1234567),
            Upstream = TimeSpan.FromMilliseconds(12),
            RequestBytes = 5_000_000_000,
            ResponseBytes = 17,
            Tls = true,
        });

        (await LinesAsync()).ShouldBe([
            """{"time":"2026-01-02T01:04:05.678Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","direction":"outbound","source":"shop/frontend-1","destination":"store/orders","route":"orders/\"every\"\none","endpoint":"[::1]:8080","method":"GET","path":"/a%2Fb/é+<","protocol":"HTTP/2","status":504,"grpc_status":4,"reason":"request_timeout","attempts":3,"duration_ms":1234.567,"upstream_ms":12,"request_bytes":5000000000,"response_bytes":17,"tls":true}"""]);
    }

    [Fact]
    public async Task Record_NothingKnown_IsEmptyTextAndNull()
    {
        _log.Mode = AccessLogMode.All;
        _log.Record(new RequestRecord { Time = DateTimeOffset.UnixEpoch });

        (await LinesAsync()).ShouldBe([
            """{"time":"1970-01-01T00:00:00.000Z","trace_id":"","direction":"outbound","source":"","destination":"","route":"","endpoint":"","method":"","path":"","protocol":"","status":0,"grpc_status":null,"reason":"","attempts":0,"duration_ms":0,"upstream_ms":null,"request_bytes":0,"response_bytes":0,"tls":false}"""]);
    }

    [Theory]
    [InlineData(AccessLogMode.Failures, new[] { "500", "reason", "grpc" })]
    [InlineData(AccessLogMode.All, new[] { "200", "404", "500", "reason", "grpc", "grpc-ok" })]
    [InlineData(AccessLogMode.Off, new string[0])]
    public async Task Record_Mode_ChoosesRequests(AccessLogMode mode, string[] expected)
    {
        _log.Mode = mode;

        _log.Record(new RequestRecord { Route = "200", Status = 200 });
        _log.Record(new RequestRecord { Route = "404", Status = 404 });
        _log.Record(new RequestRecord { Route = "500", Status = 500 });
        _log.Record(new RequestRecord { Route = "reason", Status = 404, Reason = "no_route" });
        _log.Record(new RequestRecord { Route = "grpc", Status = 200, GrpcStatus = 13 });
        _log.Record(new RequestRecord { Route = "grpc-ok", Status = 200, GrpcStatus = 0 });

        (await LinesAsync()).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("route").GetString()).ShouldBe(expected);
    }

    [Fact]
    public async Task Mode_ChangedWhileRunning_HoldsFromThenOn()
    {
        _log.Mode.ShouldBe(AccessLogMode.Failures);
        _log.Record(new RequestRecord { Status = 200 });
        _log.Mode = AccessLogMode.All;
        _log.Record(new RequestRecord { Status = 201 });
        _log.Mode = AccessLogMode.Off;
        _log.Record(new RequestRecord { Status = 500 });

        (await LinesAsync()).Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("GET", "http://user:password@orders/a?x", "/a")]
    [InlineData("CONNECT", "user:password@orders:80", "")]
    [InlineData("OPTIONS", "*", "*")]
    [InlineData("GET", "nonsense?x", "")]
    public async Task Record_Targets_LeaveSecretsOut(string method, string target, string path)
    {
        _log.Record(new RequestRecord { Method = method, Target = target, Status = 500 });

        var line = (await LinesAsync()).Single();
        line.ShouldNotContain("password");
        JsonDocument.Parse(line).RootElement.GetProperty("path").GetString().ShouldBe(path);
    }

    [Fact]
    public async Task Record_EndlessPath_IsCut()
    {
        _log.Record(new RequestRecord { Target = "/" + new string('a', 100_000), Status = 500 });

        (await LinesAsync()).Single().Length.ShouldBeLessThan(4096);
    }

    [Fact]
    public async Task Record_WriterDoesNotKeepUp_DropsAndCountsAndNeverWaits()
    {
        _output.Hold();
        for (var i = 0; i < 3 * AccessLog.Capacity; i++)
        {
            _log.Record(new RequestRecord { Status = 500 });
        }

        var dropped = Exposition.Samples(_registry)["meshlite_access_log_dropped_total{cause=queue_full}"];
        _output.Open();
        var written = (await LinesAsync()).Length;

        // What the writer had taken out before it got stuck, and what waited, was written; everything else was counted.
        dropped.ShouldBeGreaterThanOrEqualTo(AccessLog.Capacity);
        (dropped + written).ShouldBe(3 * AccessLog.Capacity);
    }

    [Fact]
    public async Task Record_OutputBroken_CountsAndGoesOn()
    {
        _output.Fails = true;
        _log.Record(new RequestRecord { Status = 500 });
        await _output.Tried;
        _output.Fails = false;
        _log.Record(new RequestRecord { Status = 500 });

        (await LinesAsync()).Length.ShouldBe(1);
        Exposition.Samples(_registry)["meshlite_access_log_dropped_total{cause=write_failed}"].ShouldBe(1);
    }

    [Fact]
    public async Task Record_ManyLines_AreWrittenWholeInWritesThatAPipeDoesNotTear()
    {
        _output.Hold();
        for (var i = 0; i < 500; i++)
        {
            _log.Record(new RequestRecord { Target = "/" + new string('a', i % 300), Status = 500 });
        }

        _output.Open();
        (await LinesAsync()).Length.ShouldBe(500);

        _output.Writes.ShouldAllBe(write => write.Length <= 4096 && write.EndsWith('\n'));
        _output.Writes.Count.ShouldBeLessThan(100);
    }

    [Fact]
    public async Task DisposeAsync_NobodyReads_GivesUpAfterFiveSeconds()
    {
        _output.Hold();
        _log.Record(new RequestRecord { Status = 500 });
        await _output.Tried;

        var disposing = _log.DisposeAsync().AsTask();
        disposing.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(5));

        await disposing;
    }

    /// <summary>Ends the log, which writes what waits.</summary>
    private async Task<string[]> LinesAsync()
    {
        await _log.DisposeAsync();
        return string.Concat(_output.Writes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Remembers writes; held, it lets them wait.</summary>
    private sealed class GatedStream : MemoryStream
    {
        private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _gate = Opened();

        public List<string> Writes { get; } = [];

        public bool Fails { get; set; }

        /// <summary>Done once somebody has written, or tried to.</summary>
        public Task Tried => _tried.Task;

        public void Hold()
        {
            if (_gate.Task.IsCompleted)
            {
                _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public void Open() => _gate.TrySetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var fails = Fails;
            _tried.TrySetResult();
            await _gate.Task;
            if (fails)
            {
                throw new IOException("broken pipe");
            }

            Writes.Add(Encoding.UTF8.GetString(buffer.Span));
        }

        private static TaskCompletionSource Opened()
        {
            var gate = new TaskCompletionSource();
            gate.SetResult();
            return gate;
        }
    }
}

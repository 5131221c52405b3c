using System.Threading.Channels;
using Google.Protobuf;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Streaming;

/// <summary>One stream on manual time, its two directions as channels.</summary>
public sealed class SidecarStreamTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly Publisher _publisher = new();
    private readonly MetricRegistry _registry;
    private readonly ControlPlaneMetrics _metrics;
    private readonly CancellationTokenSource _stop = new();
    private readonly MeshKey _mesh = new(new TrustRoots([]));
    private ConnectedSidecar? _connected;
    private IndexView _view = IndexView.Empty;

    public SidecarStreamTests()
    {
        _registry = new MetricRegistry(_time);
        _metrics = new ControlPlaneMetrics(_registry);
        Apply(new Synced(0));
    }

    [Fact]
    public async Task RunAsync_UpdateNotAcknowledged_NothingMoreIsSentThenTheStreamEnds()
    {
        var end = Open();
        end.Subscribe("a");
        var first = await end.ReadUpdateAsync();
        Apply(StreamWorkload("a1", 1));
        Apply(StreamWorkload("a2", 2));

        _time.Advance(TimeSpan.FromSeconds(59));
        end.FromServer.TryRead(out _).ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));

        var failure = await Should.ThrowAsync<GrpcException>(end.Running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        failure.Code.ShouldBe(GrpcStatusCode.DeadlineExceeded);
        failure.Message.ShouldBe($"update {first.Nonce} was not acknowledged within 00:01:00");
    }

    [Fact]
    public async Task RunAsync_SlowSidecar_GetsOneUpdateWithTheNewestAndDelaysNobody()
    {
        var slow = Open();
        var quick = Open();
        slow.Ack(await slow.ReadUpdateAsync());
        quick.Ack(await quick.ReadUpdateAsync());
        slow.Subscribe("a");
        quick.Subscribe("a");
        var unread = await slow.ReadUpdateAsync();
        quick.Ack(await quick.ReadUpdateAsync());

        for (var i = 1; i <= 50; i++)
        {
            Apply(StreamWorkload("a1", i));
            var update = await quick.ReadUpdateAsync();
            Ports(update).ShouldBe([(uint)i]);
            quick.Ack(update);
        }

        slow.FromServer.TryRead(out _).ShouldBeFalse();
        slow.Ack(unread);
        var newest = await slow.ReadUpdateAsync();
        newest.Nonce.ShouldBe(3ul);
        Ports(newest).ShouldBe([50u]);
    }

    [Fact]
    public async Task RunAsync_Every30Seconds_InventoryOfWhatWasSent()
    {
        Apply(StreamWorkload("a1", 1));
        var end = Open();
        end.Subscribe("a");

        // In one update or two: the subscription may come before or after the first has been made.
        var sent = new List<ResourceVersion>();
        while (sent.DistinctBy(r => r.Key).Count() < 4)
        {
            var update = await end.ReadUpdateAsync();
            sent.AddRange(update.Resources.Select(r => new ResourceVersion { Key = r.Key, Version = r.Version }));
            end.Ack(update);
        }

        await end.SettledAsync();
        _time.Advance(StreamLimits.InventoryInterval);

        var inventory = (await end.ReadAsync()).Inventory.ShouldNotBeNull();
        inventory.Resources.Select(r => $"{r.Key}={r.Version}").ShouldBeSubsetOf(sent.Select(r => $"{r.Key}={r.Version}"));
        inventory.Resources.Select(r => r.Key).ShouldBe(["mesh", "workload", "endpoints/shop/a:80", "destination/a"], ignoreOrder: true);
    }

    [Fact]
    public async Task RunAsync_Rejected_CountedAndNextEndpointsAreWhole()
    {
        Apply(StreamWorkload("a1", 1));
        Apply(StreamWorkload("a2", 2));
        var end = Open("a");
        var update = await end.ReadUpdateAsync();
        var endpoints = update.Resources.Single(r => r.Endpoints is not null);
        end.Ack(update, new Rejection { Key = endpoints.Key, Version = endpoints.Version, Reason = "no" });
        Apply(StreamWorkload("a3", 3));

        (await end.ReadUpdateAsync()).Resources.ShouldHaveSingleItem().Endpoints.ShouldNotBeNull();
        Scrape().ShouldContain("meshlite_config_rejected_total{source=\"sidecar\",kind=\"endpoints\"} 1");
    }

    [Fact]
    public async Task RunAsync_ChangeAcknowledged_TimeSinceTheChangeIsObserved()
    {
        Apply(StreamWorkload("a1", 1));
        var end = Open("a");
        end.Ack(await end.ReadUpdateAsync());
        await end.SettledAsync();
        Scrape().ShouldContain("meshlite_config_ack_seconds_count 0");

        Apply(StreamWorkload("a2", 2));
        var update = await end.ReadUpdateAsync();
        _time.Advance(TimeSpan.FromMilliseconds(200));
        end.Ack(update);
        await end.SettledAsync();

        Scrape().ShouldContain("meshlite_config_ack_seconds_count 1");
        Scrape().ShouldContain("meshlite_config_ack_seconds_sum 0.2");
    }

    [Fact]
    public async Task RunAsync_FirstUpdateIsOut_AsksForStatsOnceAndKeepsTheNewest()
    {
        var end = Open();
        end.Ack(await end.ReadUpdateAsync());
        await end.SettledAsync();
        end.StatsRequests.ShouldHaveSingleItem().Interval.ToTimeSpan().ShouldBe(StreamLimits.StatsInterval);
        _connected!.Stats.ShouldBeNull();

        end.ToServer.TryWrite(new SidecarMessage { Stats = new Stats { CountingSince = 1 } });
        end.ToServer.TryWrite(new SidecarMessage { Stats = new Stats { CountingSince = 2, Clock = (_time.GetUtcNow() + TimeSpan.FromSeconds(90)).ToUnixTimeMilliseconds() } });
        await Eventually.TrueAsync(() => _connected.Stats?.CountingSince == 2, "the newest is kept");
        _connected.Stats!.ClockOffset.ShouldBe(90_000);
    }

    [Fact]
    public async Task RunAsync_UpdateOut_IsCurrentOnlyOnceAcknowledged()
    {
        var end = Open();
        var first = await end.ReadUpdateAsync();
        _connected!.IsCurrent.ShouldBeFalse();
        end.Ack(first);
        await Eventually.TrueAsync(() => _connected.IsCurrent, "it has everything");

        end.Subscribe("a");
        var update = await end.ReadUpdateAsync();
        _connected.IsCurrent.ShouldBeFalse();
        end.Ack(update, new Rejection { Key = "destination/a", Version = update.Resources.Single(r => r.Key == "destination/a").Version, Reason = new string('x', 2000) });
        await Eventually.TrueAsync(() => _connected.IsCurrent && _connected.Refused.Count == 1, "it has what it takes");
        _connected.Refused[0].ShouldStartWith("destination/a: xxx");
        _connected.Refused[0].Length.ShouldBe(512);
    }

    [Theory]
    [InlineData("hello", "Hello comes once, first")]
    [InlineData("ack", "Ack of update 7, which is not out")]
    [InlineData("authority", "an authority has 1 to 262 visible ASCII characters")]
    public async Task RunAsync_AgainstTheContract_EndsWithAClearStatus(string what, string says)
    {
        var end = Open();
        end.ToServer.TryWrite(what switch
        {
            "hello" => new SidecarMessage { Hello = new Hello() },
            "ack" => new SidecarMessage { Ack = new Ack { Nonce = 7 } },
            _ => new SidecarMessage { Subscribe = new Subscribe { Authorities = { "a b" } } },
        });

        var failure = await Should.ThrowAsync<GrpcException>(end.Running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        failure.Code.ShouldBe(GrpcStatusCode.InvalidArgument);
        failure.Message.ShouldBe(says);
    }

    [Fact]
    public async Task RunAsync_SidecarNeverReads_StreamStillEndsAtOnce()
    {
        var end = Open(stuck: true);
        await end.WriteBegan;

        await _stop.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(end.Running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RunAsync_SidecarEndsTheStream_Completes()
    {
        var end = Open();
        end.ToServer.Complete();

        await end.Running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _registry.Dispose();
        _stop.Dispose();
    }

    private void Apply(IndexChange change)
    {
        var touched = new HashSet<IndexKey>();
        _view = IndexReducer.Apply(_view, change with { At = _time.GetTimestamp() }, touched);
        _publisher.Apply(new IndexUpdate(_view, touched, _time.GetTimestamp()));
    }

    private static IndexChange StreamWorkload(string name, int port) => StreamStateTests.Workload(name, "a", port);

    private static IEnumerable<uint> Ports(Update update) => update.Resources
        .SelectMany(r => r.Endpoints?.Endpoints_ ?? (IEnumerable<Endpoint>?)r.EndpointsDelta?.Upserted ?? []).Select(e => e.Port);

    private string Scrape()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        _registry.Write(buffer, ExpositionFormat.Text);
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private End Open(params string[] authorities) => Open(false, authorities);

    private End Open(bool stuck, params string[] authorities)
    {
        var mailbox = new Mailbox();
        var owner = new StreamOwner(new SpiffeId("cluster.local", "shop", "me"), "me-1", "", null);
        var state = new StreamState(_publisher, mailbox, _mesh, new WorkloadPublishKey(owner.Identity, owner.Workload, "", "", 0));
        state.Subscribe(authorities);
        _connected = new ConnectedSidecar(owner, "1.2.3", new Caller(owner.Identity, _time.GetUtcNow()), state.Own, _time.GetUtcNow());
        return new End(new SidecarStream(owner, state, mailbox, null, _connected, new UpdateGate(_time), _time, _metrics, NullLogger.Instance), mailbox, stuck, _stop.Token);
    }

    private sealed class End
    {
        private readonly Channel<SidecarMessage> _up = Channel.CreateUnbounded<SidecarMessage>();
        private readonly Channel<ControlPlaneMessage> _down = Channel.CreateUnbounded<ControlPlaneMessage>();
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _unread;

        public End(SidecarStream stream, Mailbox mailbox, bool stuck, CancellationToken stop)
        {
            _ = mailbox;
            Running = stream.RunAsync(ReadOneAsync, WriteOneAsync, stop);

            async ValueTask<SidecarMessage?> ReadOneAsync(CancellationToken cancellationToken)
            {
                if (Volatile.Read(ref _unread) == 0)
                {
                    _idle.TrySetResult();
                }

                if (!await _up.Reader.WaitToReadAsync(cancellationToken))
                {
                    return null;
                }

                Interlocked.Decrement(ref _unread);
                return await _up.Reader.ReadAsync(cancellationToken);
            }

            async ValueTask WriteOneAsync(EncodedMessage message, CancellationToken cancellationToken)
            {
                _began.TrySetResult();
                if (stuck)
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                var buffer = new System.Buffers.ArrayBufferWriter<byte>();
                message.WriteTo(buffer);
                var parsed = ControlPlaneMessage.Parser.ParseFrom(buffer.WrittenSpan);
                if (parsed.StatsRequest is { } request)
                {
                    StatsRequests.Enqueue(request);
                    return;
                }

                await _down.Writer.WriteAsync(parsed, cancellationToken);
            }
        }

        public Task Running { get; }

        public Task WriteBegan => _began.Task;

        public System.Collections.Concurrent.ConcurrentQueue<StatsRequest> StatsRequests { get; } = new();

        public ChannelWriter<SidecarMessage> ToServer => _up.Writer;

        public ChannelReader<ControlPlaneMessage> FromServer => _down.Reader;

        public void Subscribe(string authority) => Send(new SidecarMessage { Subscribe = new Subscribe { Authorities = { authority } } });

        public void Ack(Update update, params Rejection[] rejected) => Send(new SidecarMessage { Ack = new Ack { Nonce = update.Nonce, Rejected = { rejected } } });

        public async Task<ControlPlaneMessage> ReadAsync() =>
            await _down.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        public async Task<Update> ReadUpdateAsync() => (await ReadAsync()).Update.ShouldNotBeNull();

        /// <summary>Everything sent has been handled: a resubscription sent after it is answered.</summary>
        public async Task SettledAsync()
        {
            Subscribe("settled");
            Ack(await ReadUpdateAsync());
            Send(new SidecarMessage { Unsubscribe = new Unsubscribe { Authorities = { "settled" } } });
            var update = await ReadUpdateAsync();
            update.Resources.ShouldHaveSingleItem().Absent.ShouldNotBeNull();
            Ack(update);
            // A health message is handled by the reader after the acks before it were handed over.
            _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Send(new SidecarMessage());
            await _idle.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }

        private void Send(SidecarMessage message)
        {
            Interlocked.Increment(ref _unread);
            _up.Writer.TryWrite(message);
        }
    }
}

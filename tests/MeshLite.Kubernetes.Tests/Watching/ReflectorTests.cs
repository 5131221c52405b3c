using System.Net;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Kubernetes.Tests.Watching;

/// <summary>Against the fake over real connections; times of the reflector are short here, for there is no clock to drive.</summary>
public sealed class ReflectorTests : IAsyncLifetime
{
    private static readonly ReflectorOptions Quick = new()
    {
        MinBackoff = TimeSpan.FromMilliseconds(10), MaxBackoff = TimeSpan.FromMilliseconds(50), MissingKindRetry = TimeSpan.FromMilliseconds(10), PageSize = 3,
    };

    private static readonly ResourceType<RawObject> Widgets = ResourceTypes.Raw("test.meshlite.dev", "v1", "widgets", "Widget", isNamespaced: true);

    private readonly CancellationTokenSource _stop = new();
    private readonly RecordingSink<ConfigMap> _sink = new();
    private readonly RecordingLogger _logger = new();
    private FakeApiServer _server = null!;
    private Task _running = Task.CompletedTask;

    public async ValueTask InitializeAsync() => _server = await FakeApiServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System);
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task Run_ManyObjects_ListsInPagesAndReplacesOnce()
    {
        for (var i = 0; i < 10; i++)
        {
            PutMap($"m{i}");
        }

        Start();

        await HeardAsync(calls => calls.Count == 1);
        _sink.Calls[0].ShouldBe("=m0,m1,m2,m3,m4,m5,m6,m7,m8,m9");
        _server.Requests.Count(r => r.Contains("limit=3", StringComparison.Ordinal)).ShouldBe(4);
    }

    [Fact]
    public async Task Run_Changes_AreToldInOrder()
    {
        await SyncedAsync();

        PutMap("a");
        PutMap("a", "2");
        _server.Delete(ResourceTypes.ConfigMaps, new ObjectKey("shop", "a"));

        await HeardAsync(calls => calls.Count == 4);
        _sink.Calls.ShouldBe(["=", "+a", "+a", "-a"]);
    }

    [Fact]
    public async Task Run_WatchEnds_ResumesWithoutAList()
    {
        await SyncedAsync();
        var lists = Lists();
        PutMap("a");
        await HeardAsync(calls => calls.Count == 2);

        _server.Faults.EndWatches();
        PutMap("b");

        await HeardAsync(calls => calls.Count == 3);
        Lists().ShouldBe(lists);
    }

    [Fact]
    public async Task Run_Bookmark_IsWhereItResumes()
    {
        await SyncedAsync();
        // Versions of other kinds: without a bookmark the watch would be left behind.
        _server.Put("""{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": "shop"}}""");
        var version = _server.Version;
        _server.SendBookmarks();
        await Eventually.TrueAsync(() => _server.OpenWatches == 1, "the watch is open");
        _server.Compact();

        _server.Faults.EndWatches();

        await Eventually.TrueAsync(() => _server.Requests.Any(r => r.Contains($"watch=true&allowWatchBookmarks=true&resourceVersion={version}&", StringComparison.Ordinal)), "a watch from the bookmark");
        Lists().ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_VersionForgotten_ListsAgainAndTellsTheDifference(bool asStatus)
    {
        PutMap("same");
        PutMap("changed");
        PutMap("deleted");
        Start();
        await HeardAsync(calls => calls.Count == 1);
        await Eventually.TrueAsync(() => _server.OpenWatches == 1, "the watch is open");

        await _server.StopAsync();
        PutMap("changed", "2");
        PutMap("new");
        _server.Delete(ResourceTypes.ConfigMaps, new ObjectKey("shop", "deleted"));
        _server.Compact();
        if (asStatus)
        {
            _server.Faults.Answer(HttpStatusCode.Gone, when: (_, target) => target.Contains("watch=true", StringComparison.Ordinal));
        }

        await _server.RestartAsync();

        await HeardAsync(calls => calls.Count == 4);
        _sink.Calls.ShouldBe(["=changed,deleted,same", "-deleted", "+changed", "+new"]);
    }

    [Fact]
    public async Task Run_ErrorEventWithinTheWatch_ListsAgain()
    {
        await SyncedAsync();

        _server.Faults.FailWatches();
        PutMap("a");

        await HeardAsync(calls => calls.Count == 2);
        _sink.Calls.ShouldBe(["=", "+a"]);
        Lists().ShouldBe(2);
    }

    [Fact]
    public async Task Run_PageExpires_EverythingAtOnceInstead()
    {
        for (var i = 0; i < 10; i++)
        {
            PutMap($"m{i}");
        }

        _server.Faults.Answer(HttpStatusCode.Gone, when: (_, target) => target.Contains("continue=", StringComparison.Ordinal));
        Start();

        await HeardAsync(calls => calls.Count == 1);
        _sink.State.Count.ShouldBe(10);
        _server.Requests.ShouldContain("GET /api/v1/configmaps");
    }

    [Fact]
    public async Task Run_ServerFails_IsTriedAgainAndNothingIsMissed()
    {
        _server.Faults.Answer(HttpStatusCode.InternalServerError, times: 2);
        _server.Faults.Answer(HttpStatusCode.TooManyRequests, retryAfter: TimeSpan.FromSeconds(1));
        await SyncedAsync();

        _server.Faults.CloseConnections();
        PutMap("a");

        await HeardAsync(calls => calls.Count == 2);
        _logger.Lines.Count(l => l.StartsWith("Lost the watch of configmaps", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public async Task Run_ServerHangs_IsNoticedAndWhatCameMeanwhileIsTold()
    {
        using var client = new KubernetesClient(_server.Connection, new KubernetesClientOptions
        {
            KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1), RequestTimeout = TimeSpan.FromSeconds(2),
        });
        Start(client);
        await HeardAsync(calls => calls.Count == 1);
        await Eventually.TrueAsync(() => _server.OpenWatches == 1, "the watch is open");

        _server.Faults.Hang();
        PutMap("a");
        await Eventually.TrueAsync(() => _logger.Lines.Any(l => l.StartsWith("Lost the watch", StringComparison.Ordinal)), "silence is noticed");
        _sink.Calls.Count.ShouldBe(1);
        _server.Faults.Clear();

        await HeardAsync(calls => calls.Count == 2);
        _sink.Calls.ShouldBe(["=", "+a"]);
    }

    [Fact]
    public async Task Run_KindMissing_CountsAsEmptyAndIsLookedFor()
    {
        var sink = new RecordingSink<RawObject>();
        _running = new Reflector<RawObject>(_server.Client, Widgets, null, Quick, TimeProvider.System, new Random(1), _logger).RunAsync(sink, _stop.Token);
        await Eventually.TrueAsync(() => sink.Calls.Count == 1, "synced without the kind");

        _server.Define(Widgets);
        _server.Put("""{"apiVersion": "test.meshlite.dev/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}""");

        await Eventually.TrueAsync(() => sink.Calls.Count == 2, "the object of the new kind");
        sink.Calls.ShouldBe(["=", "+w"]);
        _logger.Lines.Count(l => l.Contains("widgets.test.meshlite.dev", StringComparison.Ordinal) && l.Contains("CRD", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Run_KindMissingForAMoment_ForgetsNothing()
    {
        PutMap("a");
        Start();
        await HeardAsync(calls => calls.Count == 1);
        await Eventually.TrueAsync(() => _server.OpenWatches == 1, "the watch is open");

        _server.Faults.Answer(HttpStatusCode.NotFound);
        _server.Faults.EndWatches();
        await Eventually.TrueAsync(() => Lists() == 2, "another list");
        PutMap("b");

        await HeardAsync(calls => calls.Count == 2);
        _sink.Calls.ShouldBe(["=a", "+b"]);
    }

    [Fact]
    public async Task Run_KindTakenAway_ItsObjectsAreDeleted()
    {
        _server.Define(Widgets);
        _server.Put("""{"apiVersion": "test.meshlite.dev/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}""");
        var sink = new RecordingSink<RawObject>();
        _running = new Reflector<RawObject>(_server.Client, Widgets, null, Quick, TimeProvider.System, new Random(1), _logger).RunAsync(sink, _stop.Token);
        await Eventually.TrueAsync(() => sink.Calls.Count == 1, "synced");
        await _server.StopAsync();

        _server.Undefine(Widgets);
        await _server.RestartAsync();

        await Eventually.TrueAsync(() => sink.Calls.Count == 2, "the deletion");
        sink.Calls.ShouldBe(["=w", "-w"]);
    }

    [Fact]
    public async Task Run_SinkThrows_EndsWithThat()
    {
        _sink.Fails = new InvalidOperationException("of the sink");
        Start();

        (await Should.ThrowAsync<InvalidOperationException>(_running.WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System))).Message.ShouldBe("of the sink");
        _running = Task.CompletedTask;
    }

    [Fact]
    public async Task Run_UnderChurnAndFaults_EndsWhereTheServerIs()
    {
        Start();
        var random = new Random(7);
        for (var i = 0; i < 400; i++)
        {
            var name = $"m{random.Next(20)}";
            if (random.Next(4) == 0)
            {
                _server.Delete(ResourceTypes.ConfigMaps, new ObjectKey("shop", name));
            }
            else
            {
                PutMap(name, i.ToString());
            }

            switch (random.Next(40))
            {
                case 0:
                    _server.Faults.CloseConnections();
                    break;
                case 1:
                    _server.Faults.FailWatches();
                    break;
                case 2:
                    _server.Compact();
                    _server.Faults.EndWatches();
                    break;
                case 3:
                    _server.Faults.Answer(HttpStatusCode.ServiceUnavailable);
                    break;
            }

            await Task.Yield();
        }

        _server.Faults.Clear();
        await Eventually.TrueAsync(() => Seen(_sink.State.Values).SequenceEqual(There()), "the sink is where the server is");
    }

    private void Start(KubernetesClient? client = null) =>
        _running = new Reflector<ConfigMap>(client ?? _server.Client, ResourceTypes.ConfigMaps, null, Quick, TimeProvider.System, new Random(1), _logger).RunAsync(_sink, _stop.Token);

    private async Task SyncedAsync()
    {
        Start();
        await HeardAsync(calls => calls.Count == 1);
        await Eventually.TrueAsync(() => _server.OpenWatches == 1, "the watch is open");
    }

    private Task HeardAsync(Func<IReadOnlyList<string>, bool> condition) => Eventually.TrueAsync(() => condition(_sink.Calls), "what the sink should hear");

    private int Lists() => _server.Requests.Count(r => r.StartsWith("GET /api/v1/configmaps", StringComparison.Ordinal) && !r.Contains("watch=", StringComparison.Ordinal));

    private void PutMap(string name, string value = "1") =>
        _server.Put($"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: shop}}, data: {{x: \"{value}\"}}}}");

    private static IEnumerable<string> Seen(IEnumerable<ConfigMap> maps) => maps.Select(m => $"{m.Metadata.Name}@{m.Metadata.ResourceVersion}").Order();

    private IEnumerable<string> There() => _server.All(ResourceTypes.ConfigMaps).Select(m => $"{m["metadata"]!["name"]}@{m["metadata"]!["resourceVersion"]}").Order();
}

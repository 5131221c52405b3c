using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Sources;

/// <summary>The real loop with the real watcher, on real time: each wait ends by an event, none by a sleep.</summary>
public sealed class DirectorySourceTests : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private readonly TestDirectory _data = new();
    private readonly MetricRegistry _registry = new(TimeProvider.System);
    private readonly RecordingLogger<DirectorySource> _log = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly MeshIndex _index = new();
    private readonly Lock _lock = new();
    private readonly List<(Func<IndexView, bool> Holds, TaskCompletionSource Done)> _waiting = [];
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task RunAsync_WrittenRenamedDeleted_EachIsNoticed()
    {
        Write("a.yaml", 80);
        Start();
        await UntilAsync("a:80");
        await _index.WhenSynced;

        Write("a.yaml", 81);
        await UntilAsync("a:81");

        Write("b.tmp", 82);
        File.Move(_directory["b.tmp"], _directory["b.yaml"]);
        await UntilAsync("a:81 b:82");

        File.Delete(_directory["a.yaml"]);
        await UntilAsync("b:82");

        Write("b.yaml", 0);
        Write("c.yaml", 83);
        await UntilAsync("b:82 c:83");
        _log.Lines.ShouldContain(l => l.Contains("b.yaml:4: Service shop/b: spec.ports[0].port: is 0"));
    }

    [Fact]
    public async Task RunAsync_DirectoryReplaced_IsWatchedAgain()
    {
        Write("a.yaml", 80);
        Start();
        await UntilAsync("a:80");

        Directory.Move(_directory.Path, _directory.Path + ".away");
        Directory.CreateDirectory(_directory.Path);
        Write("a.yaml", 81);
        await UntilAsync("a:81");

        Write("a.yaml", 82);
        await UntilAsync("a:82");
        Directory.Delete(_directory.Path + ".away", recursive: true);
    }

    [Fact]
    public async Task RunAsync_MeshConfigRefused_NothingIsPublishedUntilItIsGood()
    {
        const string mesh = "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {mtls: {mode: MODE}}\n";
        File.WriteAllText(_directory["m.yaml"], mesh.Replace("MODE", "Strictly"));
        var blocked = Start();

        (await blocked.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken)).ShouldContain("m.yaml");
        _index.WhenSynced.IsCompleted.ShouldBeFalse();

        File.WriteAllText(_directory["m.yaml"], mesh.Replace("MODE", "Strict"));
        await _index.WhenSynced.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _registry.Dispose();
        _directory.Dispose();
        _data.Dispose();
    }

    private TaskCompletionSource<string> Start()
    {
        var blocked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var source = new DirectorySource(_directory.Path, _data["last-good"], _index, TimeProvider.System, new ControlPlaneMetrics(_registry), _log);
        _running = Task.WhenAll(
            Task.Run(() => _index.RunAsync(Look, _stop.Token)), Task.Run(() => source.RunAsync(reason => blocked.TrySetResult(reason), _stop.Token)));
        return blocked;
    }

    private async Task UntilAsync(string services)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiting.Add((view => Services(view) == services, done));
        }

        Look(new IndexUpdate(_index.View, new HashSet<IndexKey>(), 0));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    private void Look(IndexUpdate update)
    {
        lock (_lock)
        {
            foreach (var (_, done) in _waiting.Where(w => w.Holds(update.View)).ToArray())
            {
                done.TrySetResult();
            }
        }
    }

    private void Write(string name, int port) => File.WriteAllText(
        _directory[name],
        $"apiVersion: v1\nkind: Service\nmetadata: {{name: {name[0]}, namespace: shop}}\nspec: {{ports: [{{port: {port}}}]}}\n");

    private static string Services(IndexView view) => string.Join(' ', view.Resources.Values.OfType<ServiceResource>()
        .Select(s => $"{s.Key.Name}:{s.Ports[0].Port}").Order(StringComparer.Ordinal));
}

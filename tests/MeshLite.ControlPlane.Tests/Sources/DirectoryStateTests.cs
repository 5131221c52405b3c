using System.Text;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Sources;

/// <summary>Real files, manual time.</summary>
public sealed class DirectoryStateTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly TestDirectory _data = new();
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger _log = new();
    private readonly MetricRegistry _metrics;
    private IndexView _view = IndexView.Empty;
    private DirectoryState _state;

    public DirectoryStateTests()
    {
        _metrics = new MetricRegistry(_time);
        _state = Start();
    }

    [Fact]
    public void Step_SeveralDocumentsInSeveralFiles_AllAreRead()
    {
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("stock", 81));
        Write("b.yml", Service("cart", 82));
        Write("c.txt", Service("ignored", 83));
        Write(".hidden.yaml", Service("hidden", 84));
        Directory.CreateDirectory(_directory["d.yaml"]);

        First();

        Services().ShouldBe("cart:82 orders:80 stock:81");
    }

    [Fact]
    public void Step_FileWrittenInPlace_IsReadOnceItKeepsStill()
    {
        First();
        Write("a.yaml", Service("orders", 8));
        Look();
        Services().ShouldBe("");

        // Half written is valid here, and means something else.
        _time.Advance(TimeSpan.FromMilliseconds(9));
        Write("a.yaml", Service("orders", 80));
        Look();
        _time.Advance(TimeSpan.FromMilliseconds(9));
        Look();
        Services().ShouldBe("");

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Look();
        Services().ShouldBe("orders:80");
    }

    [Fact]
    public void Step_FileMovedIntoPlace_IsReadAtOnce()
    {
        Write("a.yaml", Service("orders", 80));
        First();
        Write("a.yaml.tmp", Service("orders", 81));
        File.Move(_directory["a.yaml.tmp"], _directory["a.yaml"], overwrite: true);

        Look("a.yaml");

        Services().ShouldBe("orders:81");
    }

    [Fact]
    public void Step_FileThatNeverKeepsStill_IsReadAllTheSame()
    {
        First();
        for (var i = 1; i <= 60; i++)
        {
            Write("a.yaml", Service("orders", 1000 + i) + new string('\n', i));
            Look();
            _time.Advance(TimeSpan.FromMilliseconds(9));
        }

        Services().ShouldStartWith("orders:10");
    }

    [Fact]
    public void Step_BadDocument_LastGoodStaysTheOthersApply()
    {
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("stock", 80));
        First();

        Change("a.yaml", Service("orders", 81) + "---\n" + Service("stock", 0));

        Services().ShouldBe("orders:81 stock:80");
        _log.Lines.ShouldContain(l => l.Contains("a.yaml:9: Service shop/stock: spec.ports[0].port: is 0, must be from 1 to 65535"));
        Rejected().ShouldBe("document,Service=1");

        _time.Advance(TimeSpan.FromSeconds(5));
        Look();
        Services().ShouldBe("orders:81 stock:80");
        Rejected().ShouldBe("document,Service=1");

        Change("a.yaml", Service("stock", 82));
        Look();
        _time.Advance(DirectoryState.RemovalGrace);
        Look();
        Services().ShouldBe("stock:82");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("a: [")]
    [InlineData("kind: Service\nmetadata: {name: BAD}\n")]
    public void Step_FileNotUnderstood_EverythingFromItStays(string content)
    {
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("stock", 80));
        First();

        Change("a.yaml", content);
        _time.Advance(TimeSpan.FromSeconds(5));
        Look();

        Services().ShouldBe("orders:80 stock:80");
        _log.Lines.ShouldContain(l => l.StartsWith("Refused: a.yaml:1"));
    }

    [Fact]
    public void Step_FileTooLargeOrNotUtf8_IsRefused()
    {
        Write("a.yaml", Service("orders", 80));
        Write("b.yaml", Service("stock", 80));
        First();
        File.WriteAllBytes(_directory["b.yaml"], [0xff, 0xfe, 0x00]);

        Change("a.yaml", Service("orders", 81) + new string('\n', ConfigFile.MaxBytes));

        Services().ShouldBe("orders:80 stock:80");
        _log.Lines.ShouldContain(l => l.EndsWith("a.yaml:1: is longer than 1048576 bytes"));
        _log.Lines.ShouldContain(l => l.EndsWith("b.yaml:1: is not UTF-8"));
    }

    [Fact]
    public void Step_TruncatedForAMoment_NothingIsRemoved()
    {
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("stock", 80));
        First();

        Change("a.yaml", "");
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Look();
        Services().ShouldBe("orders:80 stock:80");

        Change("a.yaml", Service("orders", 81));
        Services().ShouldBe("orders:81 stock:80");
        _time.Advance(DirectoryState.RemovalGrace);
        Look();
        Services().ShouldBe("orders:81");
    }

    [Fact]
    public void Step_FileDeleted_ItsResourcesGoAfterTheGrace()
    {
        Write("a.yaml", Service("orders", 80));
        Write("b.yaml", Service("stock", 80));
        First();

        File.Delete(_directory["a.yaml"]);
        Look().NextDue.ShouldNotBeNull();
        Services().ShouldBe("orders:80 stock:80");
        _time.Advance(DirectoryState.RemovalGrace);
        Look();

        Services().ShouldBe("stock:80");
    }

    [Fact]
    public void Step_MovedAwayAndBack_NothingHappens()
    {
        Write("a.yaml", Service("orders", 80));
        First();

        File.Move(_directory["a.yaml"], _directory["a.yaml~"]);
        Look();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        File.Move(_directory["a.yaml~"], _directory["a.yaml"]);
        Look();
        _time.Advance(TimeSpan.FromSeconds(5));
        Look();

        Services().ShouldBe("orders:80");
    }

    [Fact]
    public void Step_SameResourceInTwoFiles_SecondRefusedAndTakesOverWithoutAGap()
    {
        Write("b.yaml", Service("orders", 80));
        First();

        Change("a.yaml", Service("orders", 81));
        Services().ShouldBe("orders:80");
        _log.Lines.ShouldContain(l => l.EndsWith("a.yaml:1: Service shop/orders: stands in b.yaml:1 already; that one stays in force"));

        File.Delete(_directory["b.yaml"]);
        Look();
        _time.Advance(DirectoryState.RemovalGrace);
        var step = Look();

        step.Changes.ShouldHaveSingleItem().Value.ShouldNotBeNull();
        Services().ShouldBe("orders:81");
    }

    [Fact]
    public void Step_SameResourceTwiceAtTheStart_FirstFileWins()
    {
        Write("b.yaml", Service("orders", 81));
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("orders", 82));

        First();

        Services().ShouldBe("orders:80");
        _log.Lines.Count(l => l.Contains("stands in a.yaml:1 already")).ShouldBe(2);
    }

    [Fact]
    public void Step_DirectoryVanishes_EverythingStays()
    {
        Write("a.yaml", Service("orders", 80));
        First();
        Directory.Delete(_directory.Path, recursive: true);

        Look();
        _time.Advance(TimeSpan.FromSeconds(5));
        Look();
        Services().ShouldBe("orders:80");
        _log.Lines.Count(l => l.StartsWith("Cannot list")).ShouldBe(1);

        Directory.CreateDirectory(_directory.Path);
        Change("a.yaml", Service("orders", 81));
        Services().ShouldBe("orders:81");
    }

    [Fact]
    public void Step_RestartWhileRefused_LastGoodFromTheDataDirectory()
    {
        Write("a.yaml", Service("orders", 80) + "---\n" + Service("stock", 80));
        Write("b.yaml", Service("cart", 80));
        First();
        Write("a.yaml", Service("orders", 81) + "---\n" + Service("stock", 0));
        Write("b.yaml", "{");

        _state = Start();
        First();

        Services().ShouldBe("cart:80 orders:81 stock:80");
    }

    [Fact]
    public void Blocker_MeshConfigNeverGood_UntilItIs()
    {
        Write("a.yaml", "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {mtls: {mode: strict}}\n");
        First();
        _state.Blocker.ShouldBe("the MeshConfig in a.yaml is refused, and no earlier one is known");

        Change("a.yaml", "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {mtls: {mode: Strict}}\n");
        _state.Blocker.ShouldBeNull();

        // Once it was good it stays in force, also across a restart.
        Change("a.yaml", "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nspec: {}\n");
        _state = Start();
        First();
        _state.Blocker.ShouldBeNull();
        _view.Mesh.Mtls.ShouldBe(Model.MtlsMode.Strict);
    }

    [Fact]
    public void Step_SymbolicLinkToAnotherFile_IsSeen()
    {
        // As Kubernetes swaps mounted ConfigMaps.
        Directory.CreateDirectory(_directory["v1"]);
        Directory.CreateDirectory(_directory["v2"]);
        Write("v1/a.yaml", Service("orders", 80));
        Write("v2/a.yaml", Service("orders", 8081));
        Directory.CreateSymbolicLink(_directory["..data"], _directory["v1"]);
        File.CreateSymbolicLink(_directory["a.yaml"], _directory["..data/a.yaml"]);
        First();

        Directory.Delete(_directory["..data"]);
        Directory.CreateSymbolicLink(_directory["..data"], _directory["v2"]);
        Look();
        _time.Advance(DirectoryState.Settle);
        Look();

        Services().ShouldBe("orders:8081");
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _directory.Dispose();
        _data.Dispose();
    }

    private DirectoryState Start()
    {
        _view = IndexView.Empty;
        // A registry of its own for the families, which register once.
        return new DirectoryState(_directory.Path, new LastGoodFiles(_data["last-good"], _log), _time, _families ??= new ControlPlaneMetrics(_metrics), _log);
    }

    private ControlPlaneMetrics? _families;

    private void Write(string name, string content) => File.WriteAllText(_directory[name], content);

    private void Change(string name, string content)
    {
        Write(name, content);
        Look();
        _time.Advance(DirectoryState.Settle);
        Look();
    }

    private void First() => Apply(_state.Step([], isFirst: true));

    private DirectoryStep Look(params string[] complete) => Apply(_state.Step(complete));

    private DirectoryStep Apply(DirectoryStep step)
    {
        _view = step.Changes.Aggregate(_view, (view, change) => IndexReducer.Apply(view, change, new HashSet<IndexKey>()));
        return step;
    }

    private string Services() => string.Join(' ', _view.Resources.Values.OfType<ServiceResource>()
        .Select(s => $"{s.Key.Name}:{s.Ports[0].Port}").Order(StringComparer.Ordinal));

    private string Rejected()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        _metrics.Write(buffer, ExpositionFormat.Text);
        return string.Join(' ', Encoding.UTF8.GetString(buffer.WrittenSpan).Split('\n')
            .Where(l => l.StartsWith("meshlite_config_rejected_total{"))
            .Select(l => l.Replace("meshlite_config_rejected_total{source=\"", "").Replace("\",kind=\"", ",").Replace("\"} ", "=")));
    }

    private static string Service(string name, int port) =>
        $"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{ports: [{{port: {port}}}]}}\n";
}

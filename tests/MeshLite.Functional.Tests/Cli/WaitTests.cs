using System.Text.Json.Nodes;
using MeshLite.Cli;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Functional.Tests.Cli;

/// <summary><c>meshctl wait</c> before an API server whose statuses the test writes.</summary>
public sealed class WaitTests : IAsyncLifetime
{
    private const string Route = "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficRoute, metadata: {name: orders, namespace: shop}, spec: {a: 1}}";

    private static readonly ResourceType Routes = ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficroutes", "TrafficRoute", true);

    private readonly TestDirectory _files = new();
    private readonly StringWriter _error = new();
    private readonly LineWriter _output = new();
    private FakeApiServer _api = null!;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApiServer.StartAsync();
        _api.WriteKubeconfig(_files["kubeconfig"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _files.Dispose();
    }

    [Fact]
    public async Task Wait_CountsThenProgrammed_SaysEachOnceAndExits0()
    {
        _api.Put(Route);
        var running = RunAsync("trafficroute/orders -n shop");
        await SaidAsync("the control plane has yet to see generation 1");

        Status(1, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "False", "Pending", "37/40 sidecars"));
        await SaidAsync("37/40 sidecars");
        Status(1, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "False", "Rejected", "39/40 sidecars; 1 refused it: odd"));
        await SaidAsync("Rejected: 39/40 sidecars; 1 refused it: odd");
        Status(1, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "True", "Programmed", "40/40 sidecars"));

        (await running).ShouldBe(0);
        _output.Lines.ShouldBe(
        [
            "TrafficRoute shop/orders: the control plane has yet to see generation 1", "TrafficRoute shop/orders: 37/40 sidecars",
            "TrafficRoute shop/orders: Rejected: 39/40 sidecars; 1 refused it: odd", "TrafficRoute shop/orders: programmed: 40/40 sidecars",
        ]);
        _error.ToString().ShouldBe("");
    }

    [Fact]
    public async Task Wait_StatusIsOfAnOlderGeneration_GoesOn()
    {
        _api.Put(Route);
        Status(1, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "True", "Programmed", "40/40 sidecars"));
        await _api.Client.MergePatchAsync(ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficroutes", "TrafficRoute", true), new ObjectKey("shop", "orders"), "{\"spec\":{\"a\":2}}"u8.ToArray());

        var running = RunAsync("mtr/orders -n shop");

        await SaidAsync("the control plane has yet to see generation 2 (its status is of 1)");
        Status(2, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "True", "Programmed", "40/40 sidecars"));
        (await running).ShouldBe(0);
    }

    [Fact]
    public async Task Wait_RefusedByItsReader_SaysWhyAndExits1AtOnce()
    {
        _api.Put(Route);
        Status(1, ("Accepted", "False", "Invalid", "spec.a: unknown field"), ("Programmed", "False", "Invalid", "not accepted"));

        (await RunAsync("TrafficRoute/orders -n shop --timeout 1h")).ShouldBe(1);

        _error.ToString().ShouldBe("meshctl: TrafficRoute shop/orders: not accepted: Invalid: spec.a: unknown field\n");
    }

    [Fact]
    public async Task Wait_ServiceMissing_WaitsUntilTimeAndExits1()
    {
        _api.Put(Route);
        Status(1, ("Accepted", "False", "NoMatchingParent", "no Service"), ("Programmed", "False", "Invalid", "not accepted"));

        (await RunAsync("trafficroutes/orders -n shop --timeout 300ms")).ShouldBe(1);

        _output.Lines.ShouldBe(["TrafficRoute shop/orders: not accepted: NoMatchingParent: no Service"]);
        _error.ToString().ShouldBe("meshctl: TrafficRoute shop/orders: not programmed within 0.3 s: not accepted: NoMatchingParent: no Service\n");
    }

    [Fact]
    public async Task Wait_NoSuchObjectOrDeleted_Exits1()
    {
        (await RunAsync("trafficroute/orders -n shop")).ShouldBe(1);
        _error.ToString().ShouldContain("TrafficRoute shop/orders: there is no such object");

        _api.Put(Route);
        var running = RunAsync("trafficroute/orders -n shop");
        await SaidAsync("generation 1");
        _api.Delete(Routes, new ObjectKey("shop", "orders"));
        (await running).ShouldBe(1);
        _error.ToString().ShouldContain("it was deleted");
    }

    [Fact]
    public async Task Wait_ApiServerRestarts_GoesOn()
    {
        _api.Put(Route);
        var running = RunAsync("trafficroute/orders -n shop");
        await SaidAsync("generation 1");

        await _api.StopAsync();
        await SaidAsync("the API server does not answer");
        await _api.RestartAsync();
        Status(1, ("Accepted", "True", "Accepted", "fine"), ("Programmed", "True", "Programmed", "1/1 sidecars"));

        (await running).ShouldBe(0);
    }

    [Theory]
    [InlineData("trafficroute/orders --for deleted", "--for: 'deleted' is nothing that can be waited for")]
    [InlineData("orders --for programmed", "'orders' is not of the form trafficroute/orders")]
    [InlineData("pod/orders --for programmed", "'pod' is none of TrafficRoute, TrafficPolicy, AuthorizationPolicy, MeshConfig")]
    [InlineData("trafficroute/orders --for programmed --timeout soon", "--timeout: 'soon' is not a duration")]
    [InlineData("trafficroute/orders --for programmed --kubeconfig /no/such/file", "--kubeconfig")]
    [InlineData("trafficroute/orders", "--for")]
    public async Task Wait_WrongOption_Exits2(string line, string says)
    {
        (await CommandLineRunner.RunAsync(MeshctlCommand.Create(TimeProvider.System, _output, _error), $"wait {line}".Split(' '), _error)).ShouldBe(2);

        _error.ToString().ShouldContain(says);
    }

    private Task<int> RunAsync(string line) => CommandLineRunner.RunAsync(
        MeshctlCommand.Create(TimeProvider.System, _output, _error), $"wait --for programmed --kubeconfig {_files["kubeconfig"]} {line}".Split(' '), _error);

    private Task SaidAsync(string text) => Eventually.TrueAsync(() => _output.Lines.Any(l => l.Contains(text, StringComparison.Ordinal)), text);

    private void Status(long generation, params (string Type, string Status, string Reason, string Message)[] conditions)
    {
        var item = _api.Find(Routes, new ObjectKey("shop", "orders"))!;
        item["status"] = new JsonObject
        {
            ["observedGeneration"] = generation,
            ["conditions"] = new JsonArray([.. conditions.Select(c => new JsonObject { ["type"] = c.Type, ["status"] = c.Status, ["reason"] = c.Reason, ["message"] = c.Message })]),
        };
        _api.Put(item);
    }

    /// <summary>Keeps lines; thread-safe.</summary>
    private sealed class LineWriter : StringWriter
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public override void WriteLine(string? value)
        {
            lock (_lines)
            {
                _lines.Add(value ?? "");
            }
        }
    }
}

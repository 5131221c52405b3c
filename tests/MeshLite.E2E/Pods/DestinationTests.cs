using MeshLite.E2E.Pods.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods;

/// <summary>Where captured connections go: by the address they were going to, whatever they say.</summary>
[Collection(PodCollection.Name)]
public sealed class DestinationTests(PodMesh mesh)
{
    private const int Stop = 19;
    private const int Continue = 18;
    private const string Denied = "meshlite-error: denied";
    private const string Unknown = "meshlite-error: destination_unknown";

    [Fact]
    public async Task Service_CalledUnderAnotherHost_IsWhatWasConnectedTo()
    {
        var pair = await PairAsync();

        (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", "-H", "Host: nobody.example", "http://backend/hello")).ShouldBe("hello from app");
    }

    [Fact]
    public async Task PodsOwnAddress_IsCalledByMtls()
    {
        var pair = await PairAsync();
        var pod = pair.Server.Pod;

        (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{pod.Address}:8080/whoami")).ShouldBe($"spiffe://cluster.local/ns/shop/sa/caller ::ffff:{pod.Address}");
        (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://[{pod.Address6}]:8080/whoami")).ShouldBe($"spiffe://cluster.local/ns/shop/sa/caller {pod.Address6}");
    }

    [Fact]
    public async Task Routes_OfTheService_ApplyToItsAddressAndNotToThePods()
    {
        var pair = await PairAsync();
        mesh.Save("route", """
            apiVersion: meshlite.dev/v1alpha1
            kind: TrafficRoute
            metadata: {name: backend, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: backend, port: 80}]
              rules:
              - name: testers
                matches: [{headers: [{name: x-canary, value: "true"}]}]
                filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-routed, value: canary}]}}]
                backendRefs: [{name: backend}]
              - name: everyone
                filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-routed, value: everyone}]}}]
                backendRefs: [{name: backend}]
            """);
        try
        {
            Task<string> GetAsync(string url) => pair.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", "-H", "x-canary: true", url);
            await Eventually.TrueAsync(async () => (await GetAsync("http://backend/hello")).Contains("x-routed: canary", StringComparison.Ordinal), "the route is in force");

            (await pair.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", "http://backend/hello")).ShouldContain("x-routed: everyone");
            (await GetAsync($"http://{pair.Server.Pod.Address}:8080/hello")).ShouldNotContain("x-routed");
            (await GetAsync("http://backend:8080/hello")).ShouldNotContain("x-routed", customMessage: "another port of the service");
        }
        finally
        {
            mesh.Remove("route");
        }
    }

    [Theory]
    [InlineData("backend")]
    [InlineData("backend6")]
    public async Task Pod_CallingItselfThroughItsService_ArrivesByItsSidecar(string name)
    {
        var pair = await PairAsync();

        (await pair.Server.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{name}/whoami")).ShouldStartWith("spiffe://cluster.local/ns/shop/sa/app ");
    }

    [Fact]
    public async Task Pod_CallingItselfDirectly_IsNotCaptured()
    {
        var pair = await PairAsync();
        var pod = pair.Server.Pod;

        (await pod.RunAsync("curl", "-sS", "-m", "10", "http://127.0.0.1:8080/whoami")).Trim().ShouldNotContain("spiffe");
        (await pod.RunAsync("curl", "-sS", "-m", "10", $"http://{pod.Address}:8080/whoami")).Trim().ShouldNotContain("spiffe");
    }

    [Fact]
    public async Task Application_ThatKnowsItsSidecar_IsServedByNameAsEver()
    {
        var pair = await PairAsync();

        (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", "-x", "http://127.0.0.1:15001", "http://backend:8080/whoami")).ShouldStartWith("spiffe://cluster.local/ns/shop/sa/caller ");
        (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", "-p", "-x", "http://127.0.0.1:15001", "http://backend:8080/hello")).ShouldBe("hello from app", "CONNECT");
    }

    [Fact]
    public async Task ServiceOnAPortItDoesNotHave_IsUnknown()
    {
        var pair = await PairAsync();

        (await pair.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", "http://backend:81/")).ShouldContain(Unknown);
    }

    [Fact]
    public async Task AddressOfNobody_InTheClustersNetworks_IsUnknown()
    {
        var pair = await PairAsync();

        (await pair.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", "http://10.96.200.200/")).ShouldContain(Unknown);
        (await pair.Caller.Pod.TryAsync("bash", "-c", "exec 3<>/dev/tcp/10.96.200.200/25; cat <&3")).Output.ShouldContain("reset");
    }

    [Fact]
    public async Task ControlPlaneSilent_OutsideIsStillReachedAndInsideIsNot()
    {
        var pair = await PairAsync();
        var outside = await mesh.PodAsync("later", outside: true);
        await PodMesh.AppAsync(outside, "later");

        mesh.ControlPlaneProcess.Signal(Stop);
        try
        {
            (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{outside.Address}:8080/hello")).ShouldBe("hello from later");
            (await pair.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", "http://10.96.77.77/")).ShouldContain(Unknown);
            (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", "http://backend/hello")).ShouldBe("hello from app", "what is known stays in force");
        }
        finally
        {
            mesh.ControlPlaneProcess.Signal(Continue);
        }
    }

    [Fact]
    public async Task SidecarsOwnPorts_FromOutside_LeadNowhere()
    {
        var pair = await PairAsync();
        foreach (var port in (int[])[15000, 15001])
        {
            (await pair.PlainCaller.TryAsync("curl", "-sS", "-m", "10", $"http://{pair.Server.Pod.Address}:{port}/config")).ExitCode.ShouldNotBe(0);
            (await pair.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{pair.Server.Pod.Address}:{port}/config")).ShouldContain("_failure: ");
        }

        (await pair.PlainCaller.RunAsync("curl", "-sS", "-m", "10", $"http://{pair.Server.Pod.Address}:15020/ready")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task UnmeshedAndMeshed_PermissiveAndStrict_AsTheModeSays()
    {
        var pair = await PairAsync();
        var server = pair.Server.Pod.Address;
        string[] Http(object host) => ["-sSi", "-m", "10", $"http://{host}:8080/hello"];
        string[] Talk(object host) => [PodMesh.PodApp, "talk", $"{host}", "7025", "hello"];
        var skipping = await mesh.PodAsync("skipping");
        await PodMesh.AppAsync(skipping, "skipping");
        var sidecar = await mesh.MeshAsync(skipping, "skipping", "skipping", 8080, "--skip-inbound-ports", "9090");
        var h2c = (string[])["-sS", "-m", "10", "--http2-prior-knowledge", $"http://{skipping.Address}:9090/hello"];

        // Permissive
        (await pair.PlainCaller.RunAsync("curl", Http(server))).ShouldContain("hello from app");
        (await pair.PlainCaller.RunAsync("dotnet", Talk(server))).ShouldContain("220 app ready");
        (await pair.Caller.Pod.RunAsync("curl", Http(pair.PlainServer.Address))).ShouldContain("hello from app");
        (await pair.Caller.Pod.RunAsync("dotnet", Talk(pair.PlainServer.Address))).ShouldContain("220 app ready");

        mesh.Mtls("Strict");
        try
        {
            await Eventually.TrueAsync(async () => (await pair.PlainCaller.RunAsync("curl", Http(server))).Contains(Denied, StringComparison.Ordinal), "plaintext HTTP is denied");
            (await pair.PlainCaller.TryAsync("dotnet", Talk(server))).Output.ShouldNotContain("ready");
            (await pair.Caller.Pod.RunAsync("curl", Http("backend"))).ShouldContain("hello from app", customMessage: "meshed to meshed");
            (await pair.Caller.Pod.RunAsync("curl", Http(pair.PlainServer.Address))).ShouldContain("hello from app", customMessage: "meshed to unmeshed");
            (await pair.Caller.Pod.RunAsync("dotnet", Talk(pair.PlainServer.Address))).ShouldContain("220 app ready");

            // A port that is not captured is nobody's business, and the mesh knows it.
            (await pair.PlainCaller.RunAsync("curl", h2c)).ShouldBe("hello from skipping");
            (await pair.Caller.Pod.RunAsync("curl", h2c)).ShouldBe("hello from skipping");
        }
        finally
        {
            mesh.Mtls("Permissive");
        }

        await Eventually.TrueAsync(async () => (await pair.PlainCaller.RunAsync("curl", Http(server))).Contains("hello from app", StringComparison.Ordinal), "plaintext is served again");
        await sidecar.Process.KillAsync();
    }

    private Task<MeshedPair> PairAsync()
    {
        Tools.Need();
        return MeshedPair.OfAsync(mesh);
    }
}

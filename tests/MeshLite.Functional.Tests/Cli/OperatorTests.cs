using System.Text.Json;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>meshctl check and status against a real control plane and real sidecars.</summary>
public sealed class OperatorTests : IAsyncLifetime
{
    private OperatedMesh _mesh = null!;

    public async ValueTask InitializeAsync() => _mesh = await OperatedMesh.StartAsync();

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    [Fact]
    public async Task Check_HealthyMesh_IsAllOkAndExits0()
    {
        await _mesh.SidecarAsync("orders");
        await Eventually.TrueAsync(async () => (await OperatedMesh.MeshctlAsync($"status {_mesh.Access}")).Output.Contains("current", StringComparison.Ordinal), "its configuration has arrived");

        var (code, output, error) = await OperatedMesh.MeshctlAsync($"check {_mesh.Access}");

        error.ShouldBe("");
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldAllBe(line => line.StartsWith("ok ", StringComparison.Ordinal));
        output.ShouldContain("1 connected");
        code.ShouldBe(0);
        var json = JsonDocument.Parse((await OperatedMesh.MeshctlAsync($"check -o json {_mesh.Access}")).Output).RootElement;
        (json.GetProperty("failed").GetInt32(), json.GetProperty("warnings").GetInt32()).ShouldBe((0, 0));
        json.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("subject").GetString()).ShouldContain("issuer");
    }

    [Fact]
    public async Task Check_DocumentRefused_NamesItAndExits1UntilItIsCorrected()
    {
        _mesh.Save("p.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: p, namespace: shop}, spec: {nonsense: 1}}");
        await Eventually.TrueAsync(async () => (await OperatedMesh.MeshctlAsync($"check {_mesh.Access}")).Code == 1, "it is refused");

        (await OperatedMesh.MeshctlAsync($"check {_mesh.Access}")).Output.ShouldContain("failed   configuration  TrafficPolicy shop/p (p.yaml:1): spec.nonsense: ");

        _mesh.Save("p.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: p, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}}}");
        await Eventually.TrueAsync(async () => (await OperatedMesh.MeshctlAsync($"check {_mesh.Access}")).Code == 0, "a policy of a missing Service is a warning only");
    }

    [Theory]
    [InlineData("token", "failed   identity  the token is one of spiffe://cluster.local/ns/shop/sa/orders, who may not ask")]
    [InlineData("forged", "failed   identity  the token is not a join token")]
    [InlineData("ca", "failed   TLS  the control plane's certificate is not signed by a root of the trust bundle")]
    [InlineData("name", "failed   TLS  the control plane's certificate does not name the host called")]
    [InlineData("address", "failed   control plane  127.0.0.1:9 does not answer")]
    public async Task Check_CannotAsk_SaysWhyAndWhatToDo(string what, string says)
    {
        await _mesh.TokenAsync("shop", "orders", "orders.token");
        System.IO.File.WriteAllText(_mesh.File("forged.token"), "forged");
        await using var other = await OperatedMesh.StartAsync();

        var (code, output, _) = await OperatedMesh.MeshctlAsync("check " + what switch
        {
            "token" => _mesh.Access.Replace("operator.token", "orders.token", StringComparison.Ordinal),
            "forged" => _mesh.Access.Replace("operator.token", "forged.token", StringComparison.Ordinal),
            "ca" => _mesh.Access.Replace($"{_mesh.DataDirectory}/ca.pem", $"{other.DataDirectory}/ca.pem", StringComparison.Ordinal),
            "name" => $"{_mesh.Access} --server-name control-plane.example.com",
            _ => $"--control-plane 127.0.0.1:9 {_mesh.Access[_mesh.Access.IndexOf("--control-plane-ca", StringComparison.Ordinal)..]}",
        });

        code.ShouldBe(1);
        output.ShouldStartWith(says);
        output.Split('\n')[1].Trim().ShouldStartWith("-> ");
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("meshlite-control-plane")]
    public async Task Check_ServerNameOfTheControlPlane_IsBelieved(string name) =>
        (await OperatedMesh.MeshctlAsync($"check --server-name {name} {_mesh.Access}")).Code.ShouldBe(0);

    [Theory]
    [InlineData("status --control-plane-ca CA", "--token-file")]
    [InlineData("status --token-file TOKEN", "--control-plane-ca")]
    [InlineData("status --control-plane nowhere --control-plane-ca CA --token-file TOKEN", "'nowhere' is not HOST:PORT")]
    [InlineData("status --control-plane http://a:1 --control-plane-ca CA --token-file TOKEN", "'http://a:1' is not HOST:PORT")]
    [InlineData("status --control-plane-ca missing --token-file TOKEN", "--control-plane-ca: ")]
    [InlineData("status --control-plane-ca TOKEN --token-file TOKEN", "no certificate in the PEM text")]
    [InlineData("status --control-plane-ca CA --token-file missing", "--token-file: ")]
    [InlineData("status --control-plane-ca CA --token-file TOKEN --namespace A/B", "'A/B' is not a namespace's name")]
    [InlineData("check --control-plane-ca CA --token-file TOKEN --output yaml", "yaml")]
    public async Task Run_WrongOption_OneLineAndExitCode2(string line, string says)
    {
        var (code, output, error) = await OperatedMesh.MeshctlAsync(
            line.Replace("CA", $"{_mesh.DataDirectory}/ca.pem", StringComparison.Ordinal).Replace("TOKEN", _mesh.File("operator.token"), StringComparison.Ordinal));

        (code, output).ShouldBe((2, ""));
        error.ShouldContain(says);
        error.TrimEnd('\n').ShouldNotContain("\n");
    }

    [Fact]
    public async Task Status_Sidecars_OneALineByNamespace()
    {
        await _mesh.SidecarAsync("orders");
        await _mesh.SidecarAsync("stock");

        await Eventually.TrueAsync(async () => (await StatusAsync("")).Split('\n').Count(l => l.Contains("  current  ", StringComparison.Ordinal)) == 2, "both are current");
        var lines = (await StatusAsync("")).Split('\n');
        lines[0].ShouldBe("NAMESPACE  WORKLOAD  SERVICE      VERSION  MTLS        CERTIFICATE  CONFIGURATION  CONNECTED");
        lines[1].ShouldStartWith("shop       orders-1  shop/orders  0.1.0    Permissive  23h left     current        ");
        lines[2].ShouldStartWith("shop       stock-1   shop/stock   0.1.0    Permissive  23h left     current        ");
        (await StatusAsync("--namespace bank")).ShouldBe("no sidecar is connected\n");
        var json = JsonDocument.Parse(await StatusAsync("-o json")).RootElement;
        json.GetProperty("sidecars").EnumerateArray().Select(s => s.GetProperty("spiffeId").GetString()).ShouldBe(
            ["spiffe://cluster.local/ns/shop/sa/orders", "spiffe://cluster.local/ns/shop/sa/stock"]);
    }

    [Fact]
    public async Task StatusPlaintext_CallInPlaintext_IsListedWithWhatToDo()
    {
        var orders = await _mesh.SidecarAsync("orders");
        await Eventually.TrueAsync(async () => (await StatusAsync("--plaintext")).StartsWith("1 sidecar, counting for ", StringComparison.Ordinal), "nobody called yet");
        (await StatusAsync("--plaintext")).ShouldContain("let in nobody in plaintext");

        using var http = new HttpClient();
        (await http.GetAsync($"http://{orders.InboundAddress}/", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);

        await Eventually.TrueAsync(async () => (await StatusAsync("--plaintext")).StartsWith("CALLER", StringComparison.Ordinal), "the call is reported");
        var said = await StatusAsync("--plaintext");
        said.Split('\n')[1].ShouldMatch(@"^on the workload's own machine +orders +shop +1 +0 +\d+s ago$");
        said.ShouldContain("before Strict, these 1 flow must end");
        (await StatusAsync("--plaintext --namespace bank")).ShouldContain("no sidecar has reported");
        var flow = JsonDocument.Parse(await StatusAsync("--plaintext -o json")).RootElement.GetProperty("flows").EnumerateArray().ShouldHaveSingleItem();
        (flow.GetProperty("callee").GetString(), flow.GetProperty("connections").GetInt32(), flow.GetProperty("addresses")[0].GetString()).ShouldBe(("orders", 1, "127.0.0.1"));
    }

    private async Task<string> StatusAsync(string options)
    {
        var (code, output, error) = await OperatedMesh.MeshctlAsync($"status {options} {_mesh.Access}".Replace("  ", " ", StringComparison.Ordinal));
        (code, error).ShouldBe((0, ""));
        return output;
    }
}

using MeshLite.E2E.Pods.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods;

/// <summary>Captured connections out of the mesh where not everything may leave it: by address, or else by the name they give, which then leads them.</summary>
[Collection(PodCollection.Name)]
public sealed class EgressTests(PodMesh mesh)
{
    private const string Denied = "meshlite-error: denied";

    [Fact]
    public async Task Egress_Denied_OnlyWhatIsListedLeaves()
    {
        Tools.Need();
        await MeshedPair.OfAsync(mesh);
        var (allowed, other) = (await mesh.PodAsync("allowed", outside: true), await mesh.PodAsync("other", outside: true));
        await Task.WhenAll(PodMesh.AppAsync(allowed, "allowed"), PodMesh.AppAsync(other, "other"));
        mesh.Host("allowed.example", allowed);
        mesh.Host("other.example", other);
        var caller = await mesh.PodAsync("leaver");
        await mesh.MeshAsync(caller, "leaver");
        Task<string> CurlAsync(params string[] arguments) => caller.RunAsync("curl", ["-sSi", "-m", "10", .. arguments]);
        async Task<string> TalkAsync(Pod to) => (await caller.TryAsync("dotnet", PodMesh.PodApp, "talk", $"{to.Address}", "7025", "hello")).Output;
        (await CurlAsync("http://other.example:8080/hello")).ShouldContain("hello from other");
        (await TalkAsync(allowed)).ShouldContain("220 allowed ready");

        mesh.Egress("Deny", "allowed.example");
        try
        {
            // A call under way as the rule comes is cut: so it may fail.
            await Eventually.TrueAsync(
                async () => (await caller.TryAsync("curl", "-sSi", "-m", "10", "http://other.example:8080/hello")).Output.Contains(Denied, StringComparison.Ordinal), "egress is in force");
            (await CurlAsync("http://allowed.example:8080/hello")).ShouldContain("hello from allowed");
            (await CurlAsync($"http://{allowed.Address}:8080/hello")).ShouldContain(Denied, customMessage: "an address is not let out for its name");
            (await CurlAsync("-H", "Host: allowed.example", $"http://{other.Address}:8080/hello")).ShouldContain("hello from allowed", customMessage: "the name leads, not the address");
            (await TalkAsync(allowed)).ShouldNotContain("ready", customMessage: "bytes name nobody");
            await TlsAsync(caller, allowed, other);
            (await CurlAsync("http://backend/hello")).ShouldContain("hello from app", customMessage: "the mesh is not outside");

            mesh.Egress("Deny", $"{allowed.Address}/32");
            await Eventually.TrueAsync(async () => (await TalkAsync(allowed)).Contains("220 allowed ready", StringComparison.Ordinal), "the address is let out");
            (await TalkAsync(other)).ShouldNotContain("ready");
            (await CurlAsync("-H", "Host: other.example", $"http://{allowed.Address}:8080/hello")).ShouldContain("hello from allowed", customMessage: "as without a rule: the address leads");
        }
        finally
        {
            mesh.Mtls("Permissive");
        }

        await Eventually.TrueAsync(async () => (await CurlAsync("http://other.example:8080/hello")).Contains("hello from other", StringComparison.Ordinal), "everything leaves again");
    }

    // SNI allowed, whatever the address: the allowed host's certificate; another SNI, or none: nothing.
    private async Task TlsAsync(Pod caller, Pod allowed, Pod other)
    {
        if (!Tools.Has("openssl"))
        {
            return;
        }

        foreach (var pod in (Pod[])[allowed, other])
        {
            var (key, certificate) = (Path.Combine(mesh.Directory, $"{pod.Name}.key"), Path.Combine(mesh.Directory, $"{pod.Name}.pem"));
            await pod.RunAsync("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", $"/CN={pod.Name}", "-keyout", key, "-out", certificate);
            pod.Start("tls", "openssl", ["s_server", "-accept", "8443", "-key", key, "-cert", certificate, "-quiet"]);
        }

        async Task<string> SubjectAsync(Pod to, params string[] name) => (await caller.TryAsync("bash", "-c", $"openssl s_client -connect {to.Address}:8443 {string.Join(' ', name)} </dev/null 2>&1")).Output;
        await Eventually.TrueAsync(async () => (await SubjectAsync(allowed, "-servername", "allowed.example")).Contains($"CN = {allowed.Name}", StringComparison.Ordinal), "TLS to an allowed name", TimeSpan.FromSeconds(30));
        (await SubjectAsync(other, "-servername", "allowed.example")).ShouldContain($"CN = {allowed.Name}", customMessage: "the name leads, not the address");
        (await SubjectAsync(other, "-servername", "other.example")).ShouldNotContain("CN = ");
        (await SubjectAsync(allowed, "-noservername")).ShouldNotContain("CN = ");
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.E2E.Pods.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>Tokens that are too old, and clocks that are wrong.</summary>
[Collection(KubeCollection.Name)]
public sealed class IdentityTests(KubeMesh mesh)
{
    private const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    [Fact]
    public async Task Token_Expired_IsRefusedUntilItIsRotated()
    {
        KubeCollection.Need();
        await mesh.SceneAsync();
        await mesh.Cluster.ApplyAsync("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: late, namespace: shop}\n");
        var starting = mesh.PodAsync(KubePodSpec.Caller("late") with { FirstToken = await ExpiredAsync("late") });

        var volume = await Eventually.SomeAsync(() => Task.FromResult(Directory.GetDirectories(mesh.Directory, "late-*-meshlite-identity").SingleOrDefault()), "its volume is there", TimeSpan.FromSeconds(30));
        var log = Path.Combine(mesh.LogDirectory, $"{Path.GetFileName(volume).Replace("-meshlite-identity", "", StringComparison.Ordinal)}-meshlite-sidecar.log");
        await Eventually.TrueAsync(async () => File.Exists(log) && (await ReadAsync(log)).Contains("CertifyFailed", StringComparison.Ordinal), "it is refused a certificate", TimeSpan.FromSeconds(60));
        starting.IsCompleted.ShouldBeFalse("not ready");

        // As the kubelet does: the new one takes the old one's place at once.
        await File.WriteAllTextAsync(Path.Combine(volume, "next"), await mesh.Cluster.TokenAsync(KubeMesh.Shop, "late", "meshlite-control-plane", 3600));
        File.Move(Path.Combine(volume, "next"), Path.Combine(volume, "token"), overwrite: true);
        var pod = await starting;

        (await pod.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{Scene.Service}/whoami")).ShouldStartWith($"spiffe://cluster.local/ns/{KubeMesh.Shop}/sa/late ");
        await pod.EndAsync();
    }

    [Theory]
    [InlineData("behind", "-5m")]
    [InlineData("ahead", "+5m")]
    public async Task Clock_FiveMinutesOff_NobodyNotices(string name, string offset)
    {
        KubeCollection.Need();
        Assert.SkipUnless(File.Exists(FakeTime), "libfaketime is not installed");
        var scene = await mesh.SceneAsync();
        await mesh.ServiceAsync(name);
        // Only what the time of day is: waits go by the monotonic clock.
        string[] node = ["env", $"LD_PRELOAD={FakeTime}", $"FAKETIME={offset}", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
        var pod = await mesh.PodAsync(KubePodSpec.Server(name) with { Node = node });
        var address = (await mesh.Cluster.FindAsync("Service", KubeMesh.Shop, name))!["spec"]!["clusterIP"]!.GetValue<string>();
        await PodMesh.ReachesAsync(scene.Caller.Pod, $"http://{address}/hello");

        var load = await Load.StartAsync(scene.Caller, address, name, pod);
        var off = await pod.LatestAsync() - TimeProvider.System.GetUtcNow();
        (await pod.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{Scene.Service}/whoami")).ShouldStartWith($"spiffe://cluster.local/ns/{KubeMesh.Shop}/sa/{name} ");
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);

        (await load.StopAsync([pod])).ShouldBeWhole();
        Math.Abs(off.TotalSeconds).ShouldBe(300, tolerance: 30, "its clock is off");
        await pod.EndAsync();
    }

    // By the server's own key: a kubelet can't get one that is over, and the shortest one that is issued lasts ten minutes.
    private async Task<string> ExpiredAsync(string serviceAccount)
    {
        var account = (await mesh.Cluster.FindAsync("ServiceAccount", KubeMesh.Shop, serviceAccount))!["metadata"]!;
        var now = TimeProvider.System.GetUtcNow();
        var claims = new JsonObject
        {
            ["iss"] = "https://kubernetes.default.svc.cluster.local",
            ["sub"] = $"system:serviceaccount:{KubeMesh.Shop}:{serviceAccount}",
            ["aud"] = new JsonArray("meshlite-control-plane"),
            ["iat"] = now.AddHours(-2).ToUnixTimeSeconds(),
            ["nbf"] = now.AddHours(-2).ToUnixTimeSeconds(),
            ["exp"] = now.AddHours(-1).ToUnixTimeSeconds(),
            ["kubernetes.io"] = new JsonObject
            {
                ["namespace"] = KubeMesh.Shop,
                ["serviceaccount"] = new JsonObject { ["name"] = serviceAccount, ["uid"] = account["uid"]!.GetValue<string>() },
            },
        };
        using var key = RSA.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(mesh.Api.TokenKeyFile));
        var text = $"{Base64Url("""{"alg":"RS256","typ":"JWT"}"""u8)}.{Base64Url(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        return $"{text}.{Base64Url(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Base64Url(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static async Task<string> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return await new StreamReader(stream).ReadToEndAsync();
    }
}

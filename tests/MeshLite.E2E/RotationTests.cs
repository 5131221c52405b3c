using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.E2E.Kit;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;

namespace MeshLite.E2E;

/// <summary>The authority changes while requests go through two sidecars whose certificates live for 10 s: none is lost, none doubled.</summary>
public sealed class RotationTests
{
    private const string ShortLived = "{apiVersion: meshlite.dev/v1alpha1, kind: MeshConfig, metadata: {name: default}, spec: {mtls: {certificateLifetime: 10s}}}";

    /// <summary>A third of it is as long as a control plane may take to come back here.</summary>
    private const string LongLived = "{apiVersion: meshlite.dev/v1alpha1, kind: MeshConfig, metadata: {name: default}, spec: {mtls: {certificateLifetime: 40s}}}";

    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Three rotations: with a control plane killed in the middle, one taken back after the switch, one that a stuck sidecar holds up.</summary>
    [Fact]
    public async Task Rotate_RestartAbortAndStuckSidecar_LosesAndDoublesNoRequest()
    {
        await using var mesh = await TestMesh.StartAsync(LongLived);
        var token = await mesh.Processes.CreateTokenAsync("meshlite-system", "meshlite-operator", "--ttl", "1h");
        await using var load = await LoadAsync(mesh);
        var stuck = await mesh.ClientAsync("stuck");
        load.Start();
        var first = Roots(mesh);

        // Killed once the new root signs, which is the step with most to lose.
        var rotating = Meshctl(mesh, token, "rotate", "--timeout", "2m");
        await rotating.LineAsync(line => line.StartsWith("retire", StringComparison.Ordinal), Patience);
        Roots(mesh).Length.ShouldBe(2);
        await mesh.ControlPlane.KillAsync();
        await mesh.ControlPlane.StartAsync();
        (await rotating.ExitAsync(Patience)).ShouldBe(0, rotating.Log.Tail(20));
        var second = Roots(mesh).ShouldHaveSingleItem();
        second.ShouldNotBe(first.ShouldHaveSingleItem());
        await Eventually.TrueAsync(async () => await ServerIssuerAsync(mesh) == second, "the gRPC listener's certificate follows");

        mesh.Save("mesh.yaml", ShortLived);

        // Taken back after the switch: the former signs again, without an end to anything.
        rotating = Meshctl(mesh, token, "rotate", "--timeout", "2m");
        await rotating.LineAsync(line => line.StartsWith("retire", StringComparison.Ordinal), Patience);
        var abort = Meshctl(mesh, token, "rotate", "--abort", "--timeout", "2m");
        (await abort.ExitAsync(Patience)).ShouldBe(0, abort.Log.Tail(20));
        await rotating.ExitAsync(Patience);
        Roots(mesh).ShouldBe([second]);
        var late = Meshctl(mesh, token, "rotate", "--abort");
        (await late.ExitAsync(Patience)).ShouldBe(1);
        late.Log.Tail(5).ShouldContain("nothing to take back");

        // Held up by one that does not answer, by name; it goes on when that does.
        stuck.Sidecar.Process.Signal(Stop);
        var held = Meshctl(mesh, token, "rotate", "--timeout", "4s");
        (await held.ExitAsync(Patience)).ShouldBe(1);
        stuck.Sidecar.Process.Signal(Continue);
        held.Log.Tail(20).ShouldContain("overlap: 2/3 sidecars have the next root (waiting for shop/");
        rotating = Meshctl(mesh, token, "rotate", "--timeout", "2m");
        (await rotating.ExitAsync(Patience)).ShouldBe(0, rotating.Log.Tail(20));
        rotating.Log.Lines.ShouldContain(line => line.Contains("under way already", StringComparison.Ordinal));
        Roots(mesh).ShouldHaveSingleItem().ShouldNotBe(second);

        await load.ShouldBeCompleteAsync();
    }

    /// <summary>Files are exchanged under a running control plane: an issuer for another of the same root, then all of it for another root.</summary>
    [Fact]
    public async Task FilesExchanged_IssuerThenRoot_LosesAndDoublesNoRequest()
    {
        var (root, other) = (new TestAuthority(TimeProvider.System, "CN=user root"), new TestAuthority(TimeProvider.System, "CN=other root"));
        await using var mesh = await TestMesh.StartAsync(ShortLived, data => Put(data, root.Intermediate("CN=issuer 1"), root));
        await using var load = await LoadAsync(mesh);
        load.Start();
        await Eventually.TrueAsync(() => Task.FromResult(Issuers(mesh).SequenceEqual(["CN=issuer 1"])), "the first issuer's certificates");

        Put(mesh.Processes.DataDirectory, root.Intermediate("CN=issuer 2"), root);
        await Eventually.TrueAsync(() => Task.FromResult(Issuers(mesh).SequenceEqual(["CN=issuer 2"])), "the second issuer's certificates");
        Roots(mesh).ShouldBe([root.Public.Subject]);

        // A key that fits nothing changes nothing.
        File.WriteAllText(Path.Combine(mesh.Processes.DataDirectory, "ca.key"), "garbage");
        await mesh.ControlPlane.Process.LineAsync(line => line.Contains("AuthorityRefused", StringComparison.Ordinal), Patience);

        Put(mesh.Processes.DataDirectory, other, other);
        await Eventually.TrueAsync(() => Task.FromResult(Roots(mesh).Length == 2), "both roots for sidecars that start");
        await Eventually.TrueAsync(() => Task.FromResult(Issuers(mesh).SequenceEqual([other.Public.Subject]) && Roots(mesh).Length == 1), "the other root alone", Patience);
        await Eventually.TrueAsync(async () => await ServerIssuerAsync(mesh) == other.Public.Subject, "the gRPC listener's certificate follows");

        await load.ShouldBeCompleteAsync();
    }

    private static async Task<LedgerLoad> LoadAsync(TestMesh mesh)
    {
        var client = await mesh.ClientAsync();
        var load = new LedgerLoad(client, "orders");
        await mesh.AppAsync("orders", app: await load.AppAsync("orders"));
        await client.ReachesAsync("orders");
        return load;
    }

    private static ManagedProcess Meshctl(TestMesh mesh, string token, params string[] arguments) => mesh.Processes.Launcher.Start(new ProcessSpec
    {
        Name = "meshctl",
        FileName = mesh.Processes.Programs.Meshctl,
        Arguments = ["ca", .. arguments, "--control-plane", $"localhost:{mesh.ControlPlane.Grpc.Port}", "--control-plane-ca", mesh.Processes.CaFile, "--token-file", token],
    });

    private static string[] Roots(TestMesh mesh)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(File.ReadAllText(mesh.Processes.CaFile));
        return [.. certificates.Where(c => c.Subject == c.Issuer).Select(c => c.Subject)];
    }

    // Of the certificates sidecars use now, as they keep them.
    private static string[] Issuers(TestMesh mesh) =>
        [.. Directory.GetFiles(Path.GetDirectoryName(mesh.Processes.StateDirectory("x"))!, "svid.pem", SearchOption.AllDirectories)
            .Select(file => X509Certificate2.CreateFromPem(File.ReadAllText(file)).Issuer).Distinct()];

    private static async Task<string> ServerIssuerAsync(TestMesh mesh)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(mesh.ControlPlane.Grpc);
        await using var tls = new SslStream(tcp.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2], RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        return tls.RemoteCertificate!.Issuer;
    }

    // Two files: the certificate first, so that for a moment they do not match.
    private static void Put(string data, TestAuthority signer, TestAuthority root)
    {
        Directory.CreateDirectory(data);
        Move(data, "ca.pem", signer.Public.ExportCertificatePem() + "\n" + root.Public.ExportCertificatePem());
        Move(data, "ca.key", signer.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    private static void Move(string data, string name, string text)
    {
        File.WriteAllText(Path.Combine(data, name + ".new"), text);
        File.Move(Path.Combine(data, name + ".new"), Path.Combine(data, name), overwrite: true);
    }
}

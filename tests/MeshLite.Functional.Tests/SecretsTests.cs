using System.Net;
using System.Security.Cryptography;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Keys, tokens and what requests carry stay where they are: not in a log at any level, not in an operator's page, not in a file others may read.</summary>
public sealed class SecretsTests
{
    private const string OfARequest = "s3cret-of-a-request";

    [Fact]
    public async Task LogsAndPages_OfARun_HoldNoSecret()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.AccessLog = AccessLogMode.All;
        var logs = new LogCapture();
        var access = new AccessLogCapture();
        var options = new List<SidecarOptions>();
        TestSidecar Sidecar(string service, int port) => new(service, port)
        {
            Logs = logs, AccessLog = access, Options = o =>
            {
                options.Add(o);
                return o;
            },
        };
        var server = await mesh.SidecarAsync(Sidecar("orders", app.Port));
        var client = await mesh.SidecarAsync(Sidecar("frontend", 0));
        await mesh.UnreadySidecarAsync(Sidecar("nobody", 0) with { Token = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJlLW9mLW5vYm9keQ" });
        mesh.Service("orders", server);

        using var http = MeshFixture.Client(client);
        http.DefaultRequestHeaders.Add("authorization", $"Bearer {OfARequest}");
        http.DefaultRequestHeaders.Add("cookie", $"session={OfARequest}");
        (await http.GetAsync(new Uri($"http://orders/items?token={OfARequest}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync(new Uri($"http://unknown.shop/items?token={OfARequest}"))).StatusCode.ShouldNotBe(HttpStatusCode.OK);
        await GarbageAsync(client.OutboundAddress);
        await GarbageAsync(server.InboundAddress);

        await Eventually.TrueAsync(() => logs.Lines.Count > 0 && access.Lines.Count >= 2, "logs of both kinds");
        var said = new List<string>([.. logs.Lines, .. access.Lines.Select(line => line.GetRawText())]);
        using var operators = new HttpClient();
        foreach (var sidecar in (SidecarComponents[])[client, server])
        {
            foreach (var page in (string[])["config", "clusters", "certs", "stats", "logging"])
            {
                said.Add(await operators.GetStringAsync(new Uri($"http://{sidecar.Server.AdminAddress}/{page}")));
            }

            said.Add(await operators.GetStringAsync(new Uri($"http://{sidecar.Server.TelemetryAddress}/metrics")));
        }

        var secrets = Secrets(mesh, options).ToList();
        secrets.Count.ShouldBeGreaterThan(20);
        foreach (var secret in secrets)
        {
            said.FirstOrDefault(text => text.Contains(secret, StringComparison.OrdinalIgnoreCase)).ShouldBeNull(secret);
        }
    }

    [Fact]
    public async Task Files_OfARun_AreTheirOwnersAlone()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        SidecarOptions? options = null;
        await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Options = o => options = o });
        var directory = options!.StateDir;

        await Eventually.TrueAsync(() => File.Exists(Path.Combine(directory, "config.json")), "the last good configuration is kept");
        File.GetUnixFileMode(directory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.GetFiles(directory, "*", SearchOption.AllDirectories).Concat(Directory.GetFiles(mesh.ControlPlane.DataDir)))
        {
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        }
    }

    /// <summary>As each would be written: text, base64, hexadecimal.</summary>
    private static IEnumerable<string> Secrets(MeshFixture mesh, IEnumerable<SidecarOptions> options)
    {
        yield return OfARequest;
        string[] keys =
        [
            .. options.Select(o => Path.Combine(o.StateDir, "svid.key")).Where(File.Exists),
            Path.Combine(mesh.ControlPlane.DataDir, "ca.key"), Path.Combine(mesh.ControlPlane.DataDir, "join-token.key"),
        ];
        foreach (var pem in keys.Select(File.ReadAllText))
        {
            foreach (var line in pem.Split('\n').Where(line => line.Length > 20 && !line.StartsWith("---", StringComparison.Ordinal)))
            {
                yield return line;
            }

            using var key = ECDsa.Create();
            key.ImportFromPem(pem);
            var secret = key.ExportParameters(includePrivateParameters: true).D!;
            yield return Convert.ToHexString(secret);
            yield return Convert.ToBase64String(secret);
            yield return System.Buffers.Text.Base64Url.EncodeToString(secret);
        }

        foreach (var token in options.Select(o => File.ReadAllText(o.TokenFile)))
        {
            // Its signature: header and payload are no secret.
            yield return token.Split('.')[^1];
        }
    }

    private static async Task GarbageAsync(IPEndPoint port)
    {
        using var wire = await Wire.OpenAsync(port);
        await wire.SendAsync($"GET /?token={OfARequest} HTTP/1.1\r\nHost: orders\r\nAuthorization: {OfARequest}\r\nBad Header {OfARequest}\r\n\r\n");
        (await wire.ReadMessageAsync())!.Status.ShouldBe(400);
    }
}

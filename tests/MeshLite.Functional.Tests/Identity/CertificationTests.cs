using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>Control plane and sidecar together: from the token to mutual TLS, through renewals, restarts and a lost authority.</summary>
public sealed class CertificationTests : IAsyncLifetime
{
    private static readonly IPEndPoint Anywhere = new(IPAddress.Loopback, 1);

    private readonly IdentityPlane _plane = new();

    public async ValueTask InitializeAsync() => await _plane.StartAsync();

    public ValueTask DisposeAsync() => _plane.DisposeAsync();

    [Fact]
    public async Task Workloads_JoinedByToken_ShakeHands()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        var frontend = _plane.Workload(_plane.Token("shop", "frontend"));
        await Task.WhenAll(orders.FirstCertificate, frontend.FirstCertificate);

        using var connection = await MutualConnection.OpenAsync(orders.Current!, frontend.Current!);

        connection.Server.Result.Id!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
        connection.Client.Result.Id!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");
        _plane.Module.Certifications["token"].ShouldBe(2);
    }

    [Fact]
    public async Task Connection_BothEndsRenew_GoesOn()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        var frontend = _plane.Workload(_plane.Token("shop", "frontend"));
        await Task.WhenAll(orders.FirstCertificate, frontend.FirstCertificate);
        var (first, second) = (orders.Current!, frontend.Current!);
        using var connection = await MutualConnection.OpenAsync(first, second);

        await _plane.AdvanceUntilAsync(
            () => !ReferenceEquals(orders.Current, first) && !ReferenceEquals(frontend.Current, second), "both renewed", TimeSpan.FromMinutes(5));

        (await connection.EchoAsync()).ShouldBeTrue();
        _plane.Module.Certifications["renewal"].ShouldBe(2);
        using var next = await MutualConnection.OpenAsync(orders.Current!, frontend.Current!);
        (await next.EchoAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Workload_RestartedWhileControlPlaneIsGone_ServesAndRenewsLater()
    {
        var before = _plane.Workload(_plane.Token("shop", "orders"), _plane["state"]);
        await before.FirstCertificate;
        await Eventually.TrueAsync(() => before.Attempts["ok"] == 1, "certificate kept");
        await _plane.StopAsync();

        var after = _plane.Workload(tokenFile: null, _plane["state"]);
        after.Current.ShouldNotBeNull();
        var restored = after.Current;
        await _plane.AdvanceUntilAsync(() => after.Problem is not null, "renewal was tried", TimeSpan.FromMinutes(30));
        after.Problem!.ShouldContain("Connection refused");
        after.Current.ShouldBeSameAs(restored);
        await _plane.StartAsync();

        await _plane.AdvanceUntilAsync(() => !ReferenceEquals(after.Current, restored), "renewed", TimeSpan.FromSeconds(1));
        after.Problem.ShouldBeNull();
    }

    [Fact]
    public async Task Workload_ControlPlaneLostItsAuthority_JoinsTheNewOneByToken()
    {
        var orders = _plane.Workload(_plane.Token("shop", "orders"));
        await orders.FirstCertificate;
        var former = orders.Current!;
        await _plane.StopAsync();
        File.Delete(_plane.CaFile);
        File.Delete(Path.Combine(_plane.DataDirectory, "ca.key"));
        await _plane.StartAsync();

        await _plane.AdvanceUntilAsync(() => !ReferenceEquals(orders.Current, former), "joined anew", TimeSpan.FromMinutes(5));

        orders.Current!.Bundle.SameAs(_plane.Module.TrustBundle).ShouldBeTrue();
        _plane.Module.RefusedHandshakes["unknown_authority"].ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task Workload_TokenExpired_SaysWhatTheControlPlaneSaid()
    {
        var path = _plane.Token("shop", "orders", TimeSpan.FromSeconds(1));
        _plane.Time.Advance(TimeSpan.FromSeconds(2));
        var orders = _plane.Workload(path);

        await Eventually.TrueAsync(() => orders.Attempts["Unauthenticated"] > 0, "refused");

        orders.Problem.ShouldBe(
            "the control plane did not certify this workload: the token has expired; make a new one with 'meshctl token create'");
        orders.Current.ShouldBeNull();
    }

    [Fact]
    public async Task Workload_TokenReplacedAfterItExpired_Joins()
    {
        var path = _plane.Token("shop", "orders", TimeSpan.FromSeconds(1));
        _plane.Time.Advance(TimeSpan.FromSeconds(2));
        var orders = _plane.Workload(path);
        await Eventually.TrueAsync(() => orders.Attempts["Unauthenticated"] > 0, "refused");

        _plane.Token("shop", "orders");

        await _plane.AdvanceUntilAsync(() => orders.Current is not null, "joined", TimeSpan.FromSeconds(1));
    }

    /// <summary>Two ends of one TLS connection.</summary>
    private sealed class MutualConnection : IDisposable
    {
        private readonly SslStream _near;
        private readonly SslStream _far;

        private MutualConnection(
            SslStream near, SslStream far, TlsHandshake<SslClientAuthenticationOptions> client, TlsHandshake<SslServerAuthenticationOptions> server)
        {
            (_near, _far, Client, Server) = (near, far, client, server);
        }

        public TlsHandshake<SslClientAuthenticationOptions> Client { get; }

        public TlsHandshake<SslServerAuthenticationOptions> Server { get; }

        public static async Task<MutualConnection> OpenAsync(WorkloadCertificate server, WorkloadCertificate client)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(listener.LocalEndpoint);
            var near = new SslStream(new NetworkStream(socket, ownsSocket: true));
            var far = new SslStream(new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true));
            var serverEnd = ServerTls.Prepare(server);
            var clientEnd = ClientTls.Prepare(client, server.Id, Anywhere, MeshTls.Http);
            await Task.WhenAll(far.AuthenticateAsServerAsync(serverEnd.Options), near.AuthenticateAsClientAsync(clientEnd.Options));
            return new MutualConnection(near, far, clientEnd, serverEnd);
        }

        public async Task<bool> EchoAsync()
        {
            var buffer = new byte[1];
            await _near.WriteAsync(new byte[] { 7 });
            await _far.ReadExactlyAsync(buffer);
            await _far.WriteAsync(buffer);
            await _near.ReadExactlyAsync(buffer);
            return buffer[0] == 7;
        }

        public void Dispose()
        {
            _near.Dispose();
            _far.Dispose();
        }
    }
}

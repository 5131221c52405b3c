using System.Net;
using System.Net.Security;
using System.Reflection;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Identity;

/// <summary>
/// Resumed sessions skip the exchange of certificates. What keeps them safe is that .NET hands the session's certificate
/// to the validation callback all the same, on both sides; these tests hold it to that.
/// </summary>
public sealed class TlsResumptionTests
{
    private readonly Handshakes _mesh = new();

    [Fact]
    public async Task Handshake_SecondToTheSameEndpoint_ResumesAndStillKnowsThePeer()
    {
        var (server, client) = (_mesh.Workload(Handshakes.Orders), _mesh.Workload(Handshakes.Frontend));
        (await HandshakeAsync(server, client)).Resumed.ShouldBeFalse();

        var second = await HandshakeAsync(server, client);

        second.Resumed.ShouldBeTrue();
        second.ServerSees.Id!.ToString().ShouldBe(Handshakes.Frontend);
        second.ClientSees.Id!.ToString().ShouldBe(Handshakes.Orders);
    }

    [Theory]
    [InlineData("[::1]:15006")]
    [InlineData("[fe80::1%3]:15006")]
    [InlineData("10.1.2.3:65535")]
    public async Task Handshake_AnyAddress_Resumes(string address)
    {
        var (server, client) = (_mesh.Workload(Handshakes.Orders), _mesh.Workload(Handshakes.Frontend));
        var endpoint = IPEndPoint.Parse(address);
        await HandshakeAsync(server, client, endpoint: endpoint);

        (await HandshakeAsync(server, client, endpoint: endpoint)).Resumed.ShouldBeTrue();
    }

    [Fact]
    public async Task Handshake_ResumedAfterRootWasDropped_IsRefused()
    {
        var (server, client) = (_mesh.Workload(Handshakes.Orders), _mesh.Workload(Handshakes.Frontend));
        await HandshakeAsync(server, client);
        var other = TrustBundle.FromCertificates([new TestAuthority(_mesh.Time, "CN=other").Public]);

        (await HandshakeAsync(server.With(other, _mesh.Time), client)).ServerSees.Failure.ShouldBe(PeerFailure.UnknownAuthority);
        (await HandshakeAsync(server, client.With(other, _mesh.Time))).ClientSees.Failure.ShouldBe(PeerFailure.UnknownAuthority);
    }

    [Fact]
    public async Task Handshake_ResumedAfterCertificateExpired_IsRefused()
    {
        var server = _mesh.Workload(_mesh.Root.Issue(TestLeaf.For(Handshakes.Orders) with { Lifetime = TimeSpan.FromHours(3) }), Handshakes.Orders);
        var client = _mesh.Workload(Handshakes.Frontend);
        await HandshakeAsync(server, client);

        _mesh.Time.Advance(TimeSpan.FromHours(2));

        (await HandshakeAsync(server, client)).ServerSees.Failure.ShouldBe(PeerFailure.Expired);
    }

    [Fact]
    public async Task Handshake_ResumedWhereAnotherIsMeant_IsRefused()
    {
        var (server, client) = (_mesh.Workload(Handshakes.Orders), _mesh.Workload(Handshakes.Frontend));
        await HandshakeAsync(server, client);

        var second = await HandshakeAsync(server, client, expected: "spiffe://cluster.local/ns/shop/sa/inventory");

        second.ClientSees.Failure.ShouldBe(PeerFailure.ServerNotExpected);
    }

    [Fact]
    public async Task Handshake_OtherCertificateOfTheClient_DoesNotResumeItsPredecessorsSession()
    {
        var (server, client) = (_mesh.Workload(Handshakes.Orders), _mesh.Workload(Handshakes.Frontend));
        await HandshakeAsync(server, client);

        var renewed = await HandshakeAsync(server, _mesh.Workload("spiffe://cluster.local/ns/shop/sa/other"));

        renewed.Resumed.ShouldBeFalse();
        renewed.ServerSees.Id!.ServiceAccount.ShouldBe("other");
    }

    private static async Task<(bool Resumed, PeerIdentityResult ServerSees, PeerIdentityResult ClientSees)> HandshakeAsync(
        WorkloadCertificate server, WorkloadCertificate client, string expected = Handshakes.Orders, IPEndPoint? endpoint = null)
    {
        var resumed = false;
        var serverEnd = ServerTls.Prepare(server);
        var clientEnd = ClientTls.Prepare(client, SpiffeId.Parse(expected), endpoint ?? Handshakes.Endpoint, MeshTls.Http);
        await Handshakes.RunAsync(serverEnd.Options, clientEnd.Options, stream => resumed = Resumed(stream));
        return (resumed, serverEnd.Result, clientEnd.Result);
    }

    // .NET does not say whether a session was resumed; OpenSSL does.
    private static bool Resumed(SslStream stream)
    {
        var handle = typeof(SslStream).GetField("_securityContext", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(stream);
        var method = typeof(SslStream).Assembly.GetType("Interop")!.GetNestedType("Ssl", BindingFlags.NonPublic)!
            .GetMethod("SslSessionReused", BindingFlags.NonPublic | BindingFlags.Static)!;
        return (bool)method.Invoke(null, [handle])!;
    }
}

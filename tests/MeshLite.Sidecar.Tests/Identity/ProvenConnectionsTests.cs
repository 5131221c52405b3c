using System.Security.Cryptography;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Identity;

public sealed class ProvenConnectionsTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ProvenConnections _connections;
    private readonly TestAuthority _old;
    private readonly TestAuthority _new;
    private int _asked;
    private int _cut;

    public ProvenConnectionsTests()
    {
        _connections = new ProvenConnections(_time, NullLogger<ProvenConnections>.Instance);
        _old = new TestAuthority(_time, "CN=old");
        _new = new TestAuthority(_time, "CN=new");
    }

    [Fact]
    public void Sweep_EndComes_IsAskedOnceThenCutOnce()
    {
        Add(TimeSpan.FromHours(24), _old);

        At(TimeSpan.FromHours(24) - ProvenConnections.Lead - TimeSpan.FromSeconds(1)).ShouldBe((0, 0));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 0));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 0));
        At(ProvenConnections.Lead - TimeSpan.FromSeconds(2)).ShouldBe((1, 0));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 1));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 1));
        _connections.Count.ShouldBe(0);
    }

    [Fact]
    public void Sweep_LittleIsLeftAtTheHandshake_HalfOfItIsForEnding()
    {
        Add(TimeSpan.FromSeconds(4), _old);

        At(TimeSpan.FromSeconds(1)).ShouldBe((0, 0));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 0));
        At(TimeSpan.FromSeconds(2)).ShouldBe((1, 1));
    }

    [Fact]
    public void Apply_RootGone_IsAskedAtOnceAndCutAfterTheLead()
    {
        Add(TimeSpan.FromHours(24), _old);
        _connections.Apply(Bundle(_old, _new));
        At(TimeSpan.FromMinutes(1)).ShouldBe((0, 0));

        _connections.Apply(Bundle(_new));

        At(TimeSpan.Zero).ShouldBe((1, 0));
        At(ProvenConnections.Lead - TimeSpan.FromSeconds(1)).ShouldBe((1, 0));
        At(TimeSpan.FromSeconds(1)).ShouldBe((1, 1));
    }

    [Fact]
    public void Add_RootGoneDuringTheHandshake_IsAskedAtOnce()
    {
        _connections.Apply(Bundle(_new));

        Add(TimeSpan.FromHours(24), _old);

        At(TimeSpan.Zero).ShouldBe((1, 0));
    }

    [Fact]
    public void Apply_RootGoneLateInItsLife_ProlongsNothing()
    {
        Add(TimeSpan.FromSeconds(4), _old);

        _connections.Apply(Bundle(_new));

        At(TimeSpan.FromSeconds(4)).ShouldBe((1, 1));
    }

    [Fact]
    public void Dispose_OfConnectionThatEnded_IsForgotten()
    {
        var proof = Add(TimeSpan.FromSeconds(4), _old);

        proof.Dispose();

        At(TimeSpan.FromHours(1)).ShouldBe((0, 0));
        _connections.Count.ShouldBe(0);
    }

    private IDisposable Add(TimeSpan left, TestAuthority root) =>
        _connections.Add(_time.GetUtcNow() + left, root.Public.GetCertHashString(HashAlgorithmName.SHA256), () => _asked++, () => _cut++);

    private (int Asked, int Cut) At(TimeSpan later)
    {
        _time.Advance(later);
        _connections.Sweep();
        return (_asked, _cut);
    }

    private static TrustBundle Bundle(params TestAuthority[] roots) => TrustBundle.FromCertificates(roots.Select(root => root.Public));
}

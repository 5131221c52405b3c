using MeshLite.Kubernetes.Connection;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Kubernetes.Tests.Connection;

public sealed class InClusterTests : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private readonly ManualTimeProvider _time = new();
    private FakeApiServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeApiServer.StartAsync();
        File.WriteAllText(_directory["ca.crt"], _server.AuthorityPem);
        File.WriteAllText(_directory["namespace"], "meshlite-system");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Request_TokenFile_IsShown()
    {
        PutToken();
        var connection = Connect();
        using var client = new KubernetesClient(connection);

        (await client.ListAsync(ResourceTypes.Namespaces)).Items.ShouldNotBeEmpty();
        connection.Namespace.ShouldBe("meshlite-system");
    }

    [Fact]
    public void Token_Rotated_IsReadWithinHalfAMinute()
    {
        var first = PutToken();
        var connection = Connect();
        connection.Token.Current.ShouldBe(first);

        var second = PutToken();

        connection.Token.Current.ShouldBe(first);
        _time.Advance(TimeSpan.FromSeconds(30));
        connection.Token.Current.ShouldBe(second);
    }

    [Fact]
    public async Task Request_OldTokenRefused_NewOneIsReadAtOnce()
    {
        var first = PutToken();
        using var client = new KubernetesClient(Connect());
        await client.ListAsync(ResourceTypes.Namespaces);

        _server.RevokeToken(first);
        PutToken();

        (await client.ListAsync(ResourceTypes.Namespaces)).Items.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Request_TokenRefusedAndNoOther_UnauthorizedAfterOneTry()
    {
        var token = PutToken();
        using var client = new KubernetesClient(Connect());
        _server.RevokeToken(token);

        (await Should.ThrowAsync<KubernetesException>(client.ListAsync(ResourceTypes.Namespaces))).Reason.ShouldBe(KubernetesReason.Unauthorized);
        _server.Requests.Count(r => r.StartsWith("GET /api/v1/namespaces", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public void Token_FileGoneForAMoment_LastOneGoesOn()
    {
        var token = PutToken();
        var connection = Connect();
        connection.Token.Current.ShouldBe(token);

        File.Delete(_directory["token"]);
        _time.Advance(TimeSpan.FromMinutes(5));

        connection.Token.Current.ShouldBe(token);
    }

    [Fact]
    public void InCluster_NotInAPod_SaysSo() =>
        Should.Throw<ConnectionException>(() => ClusterConnection.InCluster(_time, _directory.Path, _ => null)).Message.ShouldStartWith("not in a cluster: ");

    [Fact]
    public void InCluster_NoToken_SaysSo() => Should.Throw<ConnectionException>(() => Connect()).Message.ShouldStartWith("no service account's token at ");

    [Fact]
    public void InCluster_IPv6_AddressIsBracketed()
    {
        PutToken();

        ClusterConnection.InCluster(_time, _directory.Path, name => name.EndsWith("HOST", StringComparison.Ordinal) ? "fd00::1" : "443").Server.ShouldBe(new Uri("https://[fd00::1]:443"));
    }

    private ClusterConnection Connect() =>
        ClusterConnection.InCluster(_time, _directory.Path, name => name.EndsWith("HOST", StringComparison.Ordinal) ? "127.0.0.1" : _server.Port.ToString());

    private string PutToken()
    {
        var token = _server.IssueToken("meshlite-system", "control-plane", FakeApiServer.OwnAudience);
        File.WriteAllText(_directory["token"], token);
        return token;
    }
}

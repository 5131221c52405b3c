using MeshLite.Kubernetes.Connection;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Who asks, and TokenReview.</summary>
public abstract class IdentityContract(ContractServer server) : ContractCase(server)
{
    [Fact]
    public async Task ReviewToken_GoodForTheAudience_SaysWhoseItIs()
    {
        var token = await Server.IssueTokenAsync(Ns, "orders", "meshlite");

        var user = await Client.ReviewTokenAsync(token, "meshlite");

        user.ShouldNotBeNull();
        user.Username.ShouldBe($"system:serviceaccount:{Ns}:orders");
        user.Groups.ShouldContain($"system:serviceaccounts:{Ns}");
    }

    [Fact]
    public async Task ReviewToken_ForAnotherAudience_Nobody()
    {
        var token = await Server.IssueTokenAsync(Ns, "orders", "somebody-else");

        (await Client.ReviewTokenAsync(token, "meshlite")).ShouldBeNull();
    }

    [Fact]
    public async Task ReviewToken_Garbage_Nobody() => (await Client.ReviewTokenAsync("garbage", "meshlite")).ShouldBeNull();

    [Fact]
    public async Task Request_WithoutCredentials_Unauthorized()
    {
        using var anonymous = new KubernetesClient(new ClusterConnection { Server = Server.Connection.Server, Trust = Server.Connection.Trust });

        // A real server knows the anonymous, and forbids.
        (await RefusedAsync(anonymous.ListAsync(ResourceTypes.ConfigMaps))).Reason.ShouldBeOneOf(KubernetesReason.Unauthorized, KubernetesReason.Forbidden);
    }

    [Fact]
    public async Task Request_WithBadToken_Unauthorized()
    {
        using var stranger = new KubernetesClient(new ClusterConnection { Server = Server.Connection.Server, Trust = Server.Connection.Trust, Token = new FixedToken("garbage") });

        (await RefusedAsync(stranger.ListAsync(ResourceTypes.ConfigMaps))).Reason.ShouldBe(KubernetesReason.Unauthorized);
    }

    [Fact]
    public async Task Request_ServerOfAnotherAuthority_IsNotBelieved()
    {
        using var wary = new KubernetesClient(new ClusterConnection { Server = Server.Connection.Server });

        await Should.ThrowAsync<HttpRequestException>(wary.ListAsync(ResourceTypes.ConfigMaps));
    }
}

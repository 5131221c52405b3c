using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Tests.Identity;

/// <summary>The key of join tokens is exchanged under a running control plane.</summary>
public sealed class TokenKeyTests
{
    [Fact]
    public async Task Certify_KeyRotatedThenRetired_FollowsWithoutRestart()
    {
        await using var server = await IdentityServer.StartAsync();
        var before = server.Token();
        using var stolen = JoinTokenKey.LoadOrCreate(server.Directory.Path);
        (await OutcomeAsync(server, before)).ShouldBe("ok");

        JoinTokenRotation.Rotate(server.Directory.Path, server.Time);
        var after = server.Token();
        (await OutcomeAsync(server, after)).ShouldBe("ok");
        (await OutcomeAsync(server, before)).ShouldBe("ok");

        JoinTokenRotation.Retire(server.Directory.Path, server.Time);
        (await OutcomeAsync(server, before)).ShouldContain("a key it has retired");
        (await OutcomeAsync(server, JoinToken.Create(stolen, "bank", "vault", TimeSpan.FromHours(1), server.Time))).ShouldContain("a key it has retired");
        (await OutcomeAsync(server, after)).ShouldBe("ok");
        server.Module.Certifications["token_signature"].ShouldBe(2);
        server.Logs.ShouldContain($"Join-token keys changed: {JoinTokenKeys.LoadOrCreate(server.Directory.Path).SigningId} signs, 0 older");
    }

    [Fact]
    public async Task Certify_OldKeyPastItsEnd_IsRefused()
    {
        await using var server = await IdentityServer.StartAsync();
        using var old = JoinTokenKey.LoadOrCreate(server.Directory.Path);
        JoinTokenRotation.Rotate(server.Directory.Path, server.Time);
        server.Time.Advance(JoinTokenRotation.DefaultOverlap - TimeSpan.FromMinutes(1));
        var token = JoinToken.Create(old, "shop", "orders", TimeSpan.FromDays(300), server.Time);
        (await OutcomeAsync(server, token)).ShouldBe("ok");

        server.Time.Advance(TimeSpan.FromMinutes(1));

        (await OutcomeAsync(server, token)).ShouldContain("a key it has retired");
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData(null)]
    public async Task Certify_KeyFileDamagedOrGone_TheKeyKnownStaysInForce(string? content)
    {
        await using var server = await IdentityServer.StartAsync();
        var token = server.Token();
        var path = Path.Combine(server.Directory.Path, JoinTokenKey.FileName);
        var good = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        if (content is null)
        {
            File.Delete(path);
        }
        else
        {
            await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        }

        (await OutcomeAsync(server, token)).ShouldBe("ok");
        File.Exists(path).ShouldBe(content is not null, "nothing is made in its place");
        server.Logs.ShouldContain("those known stay in force");

        await File.WriteAllTextAsync(path, good, TestContext.Current.CancellationToken);
        (await OutcomeAsync(server, token)).ShouldBe("ok");
    }

    private static async Task<string> OutcomeAsync(IdentityServer server, string token)
    {
        var (key, csr) = IdentityServer.MakeRequest();
        using (key)
        {
            try
            {
                await server.CertifyAsync(csr, token);
                return "ok";
            }
            catch (GrpcException refusal)
            {
                return refusal.Message;
            }
        }
    }
}

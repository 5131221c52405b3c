using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

/// <summary>A keeper on manual time, whose sidecars are what the test says.</summary>
internal sealed class KeeperFixture
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private AuthorityPart? _first;

    public KeeperFixture()
    {
        Store.Put(First);
        Restart();
    }

    public ManualTimeProvider Time { get; } = new();

    public MemoryAuthorityStore Store { get; } = new();

    public RecordingLogger<IdentityModule> Log { get; } = new();

    public AuthorityTimes Times { get; } = new();

    public AuthorityPart First => _first ??= MakeRoot();

    public IdentityModule Module { get; private set; } = null!;

    public AuthorityKeeper Keeper { get; private set; } = null!;

    public bool Leads { get; set; } = true;

    /// <summary>How far sidecars are; by default they have everything.</summary>
    public Func<AuthorityInForce, AuthorityProgress> Progress { get; set; } = _ => new AuthorityProgress { Sidecars = 3, WithRoots = 3, WithIssuer = 3 };

    /// <summary>Roots published, as PEM.</summary>
    public IEnumerable<string> Published => Module.TrustBundle.Roots.Select(root => root.ExportCertificatePem() + "\n");

    /// <summary>Root that certificates signed now stand on.</summary>
    public string SigningRoot => Module.Authority.Signer.Root.ExportCertificatePem() + "\n";

    /// <summary>Root that the control plane's own certificate stands on.</summary>
    public string ServerRoot => Module.Authority.ServerSigner.Root.ExportCertificatePem() + "\n";

    /// <summary>Identity with an authority, and certificates of <see cref="Lifetime"/>.</summary>
    public static IdentityModule ModuleOf(AuthorityInForce inForce, TimeProvider time)
    {
        var module = new IdentityModule(inForce, new NoTokens(), new IdentityOptions(), time, new RecordingLogger<IdentityModule>());
        module.Apply(new IdentitySettings { CertificateLifetime = Lifetime });
        return module;
    }

    /// <summary>Another process over the same store.</summary>
    public void Restart()
    {
        var inForce = Store.Record is { } record
            ? AuthorityInForce.From(record, "memory", Time)
            : AuthorityInForce.Of(CertificateAuthority.From(First, "memory", Time));
        Module = ModuleOf(inForce, Time);
        Keeper = new AuthorityKeeper(Store, Module, () => Leads, (authority, _) => Task.FromResult(Progress(authority)), Times, Time, Log);
    }

    public AuthorityPart MakeRoot() => PartOf(new TestAuthority(Time, $"CN=root {Guid.NewGuid()}", TimeSpan.FromDays(3650)));

    public AuthorityPart PartOf(TestAuthority authority, params TestAuthority[] others)
    {
        var pem = string.Concat(others.Prepend(authority).Select(a => a.Public.ExportCertificatePem() + "\n"));
        using var parsed = CertificateAuthority.FromPem(
            System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(authority.Certificate)!.ExportPkcs8PrivateKeyPem(), "key", pem, "pem", Time);
        return parsed.ToPart();
    }

    public Task<bool> LookAsync() => Keeper.LookAsync(TestContext.Current.CancellationToken);

    /// <summary>Looks every second for so long.</summary>
    public async Task LookForAsync(TimeSpan span)
    {
        for (var i = 0; i < span.TotalSeconds; i++)
        {
            await LookAsync();
            Time.Advance(TimeSpan.FromSeconds(1));
        }

        await LookAsync();
    }

    public Task RotateAsync(AuthorityPart next) =>
        Keeper.ChangeAsync((_, record, now) => record.Rotate(next, now), TestContext.Current.CancellationToken);

    public Task AbortAsync() => Keeper.ChangeAsync((_, record, now) => record.Abort(now)!, TestContext.Current.CancellationToken);

    private sealed class NoTokens : ITokenAuthenticator
    {
        public bool CertificateRenews => true;

        public ValueTask<TokenVerdict> AuthenticateAsync(string token, CancellationToken cancellationToken) => throw new NotSupportedException("nobody asks here");

        public void Dispose()
        {
        }
    }
}

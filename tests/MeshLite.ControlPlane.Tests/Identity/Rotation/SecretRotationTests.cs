using System.Text;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

/// <summary>The Secret as cert-manager and two replicas see it: one leads, the other follows the record, whoever of them is asked.</summary>
public sealed class SecretRotationTests : IAsyncLifetime
{
    private static readonly ObjectKey Key = new("meshlite-system", AuthoritySecret.Name);

    private readonly KeeperFixture _parts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _watches = [];
    private FakeApiServer _api = null!;
    private Replica _leader = null!;
    private Replica _follower = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ManualTimeProvider Time => _parts.Time;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApiServer.StartAsync();
        _api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        _leader = await StartAsync();
        _follower = await StartAsync();
        _leader.Leads = true;
        await UntilAsync(() => Record() is not null, "the first record");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_watches);
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task CertManagerWritesAnotherRoot_BothReplicasOverlapSwitchAndRetire()
    {
        var former = _leader.Signer;
        var next = _parts.MakeRoot();
        await WriteAsync(secret => With(secret, next));

        await UntilAsync(() => _follower.Roots == 2, "overlap at the follower");
        _follower.Signer.ShouldBe(former);
        await UntilAsync(() => _follower.Signer == next.Chain, "switch at the follower", timePasses: true);

        // Whoever leads next goes on from the record.
        (_leader.Leads, _follower.Leads) = (false, true);
        await UntilAsync(() => _leader.Roots == 1 && _follower.Roots == 1, "retire at both", timePasses: true);
        _leader.Signer.ShouldBe(next.Chain);
        Data("tls.crt").ShouldBe(next.Chain, "what cert-manager wrote is left alone");
    }

    [Fact]
    public async Task Rotate_AskedOfTheFollower_TheSecretsKeysFollowTheSwitch()
    {
        var former = _leader.Signer;
        var next = _parts.MakeRoot();

        await _follower.Keeper.ChangeAsync((_, record, now) => record.Rotate(next, now), Cancelled);
        await UntilAsync(() => _leader.Roots == 2, "overlap at the leader");
        Data("tls.crt").ShouldBe(former);
        Data("ca.crt")!.ShouldContain(next.Root, Case.Sensitive, "who reads the roots there needs both");
        await UntilAsync(() => _follower.Signer == next.Chain, "switch", timePasses: true);

        Data("tls.crt").ShouldBe(next.Chain);
        await UntilAsync(() => _follower.Roots == 1, "retire", timePasses: true);
        Data("ca.crt").ShouldBe(next.Root);
        Record()!.Previous.ShouldBeNull();
    }

    [Fact]
    public async Task ForeignOwner_CertManagersAnnotation_NamesTheCertificate()
    {
        await WriteAsync(secret => secret with { Metadata = secret.Metadata with { Annotations = new Dictionary<string, string> { ["cert-manager.io/certificate-name"] = "mesh-ca" } } });

        await UntilAsync(() => _leader.Keeper.ForeignOwner(_leader.Read()) is { } owner && owner.Contains("mesh-ca", StringComparison.Ordinal), "the owner's name");
    }

    [Fact]
    public async Task SecretDeleted_LastGoodStays()
    {
        await _api.Client.DeleteAsync(ResourceTypes.Secrets, Key, null, Cancelled);
        var signer = _leader.Signer;

        for (var i = 0; i < 5; i++)
        {
            await _leader.Keeper.LookAsync(Cancelled);
        }

        _leader.Signer.ShouldBe(signer);
    }

    private static Secret With(Secret secret, AuthorityPart part) => secret with
    {
        Data = new Dictionary<string, byte[]>(secret.Data)
        {
            ["tls.key"] = Encoding.UTF8.GetBytes(part.Key), ["tls.crt"] = Encoding.UTF8.GetBytes(part.Chain), ["ca.crt"] = Encoding.UTF8.GetBytes(part.Root),
        },
    };

    private string? Data(string key) =>
        (string?)_api.Find(ResourceTypes.Secrets, Key)!["data"]![key] is { } text ? Encoding.UTF8.GetString(Convert.FromBase64String(text)) : null;

    private AuthorityRecord? Record() => Data("authority.json") is { } text ? AuthorityJson.Read(text, "test") : null;

    // As somebody who reads, changes and writes: again where a replica wrote in between.
    private Task WriteAsync(Func<Secret, Secret> change) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                await _api.Client.ReplaceAsync(ResourceTypes.Secrets, change(await _api.Client.GetAsync(ResourceTypes.Secrets, Key, Cancelled)), Cancelled);
                return true;
            }
            catch (KubernetesException problem) when (problem.Reason == KubernetesReason.Conflict)
            {
                return false;
            }
        },
        "the Secret is written");

    private Task UntilAsync(Func<bool> condition, string what, bool timePasses = false) => Eventually.TrueAsync(
        async () =>
        {
            Time.Advance(timePasses ? TimeSpan.FromSeconds(1) : TimeSpan.Zero);
            await _leader.Keeper.LookAsync(Cancelled);
            await _follower.Keeper.LookAsync(Cancelled);
            return condition();
        },
        what);

    private async Task<Replica> StartAsync()
    {
        var inForce = await AuthoritySecret.LoadOrCreateAsync(_api.Client, Key.Namespace!, Time, Cancelled);
        var secret = new AuthoritySecret(_api.Client, Key.Namespace!, TimeProvider.System, new Random(1), NullLogger.Instance);
        _watches.Add(secret.RunAsync(_stop.Token));
        return new Replica(inForce, secret, _parts);
    }

    private sealed class Replica
    {
        private readonly AuthoritySecret _secret;

        public Replica(AuthorityInForce inForce, AuthoritySecret secret, KeeperFixture parts)
        {
            _secret = secret;
            Module = KeeperFixture.ModuleOf(inForce, parts.Time);
            Keeper = new AuthorityKeeper(secret, Module, () => Leads, (_, _) => Task.FromResult(new AuthorityProgress()), parts.Times, parts.Time, NullLogger.Instance);
        }

        public bool Leads { get; set; }

        public IdentityModule Module { get; }

        public AuthorityKeeper Keeper { get; }

        public int Roots => Module.TrustBundle.Roots.Length;

        public string Signer => Module.Authority.Signer.ToPart().Chain;

        public StoredAuthority Read() => _secret.ReadAsync(Cancelled).AsTask().GetAwaiter().GetResult();
    }
}

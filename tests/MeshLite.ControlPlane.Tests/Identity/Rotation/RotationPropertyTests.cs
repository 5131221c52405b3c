using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

/// <summary>
/// Whatever operators, authorities and processes do, in whatever order: each sidecar believes every certificate that another one may show. Sidecars are modelled,
/// keeper and record are the real ones. A sidecar is cut off for less than the hold, as the rules demand.
/// </summary>
public sealed class RotationPropertyTests
{
    private const int Sidecars = 4;

    private enum Act
    {
        Second,
        Ack,
        Renew,
        Disconnect,
        Offer,
        OfferMore,
        OfferLess,
        Rotate,
        Abort,
        Restart,
        Lifetime,
        Minutes,
        Garbage,
    }

    [Fact]
    public void AnySequence_NeverLeavesASidecarWithoutARootThatALiveCertificateStandsOn() =>
        Prop.ForAll(
            Gen.Zip(Gen.Frequency(
                (12, Gen.Constant(Act.Second)), (8, Gen.Constant(Act.Ack)), (8, Gen.Constant(Act.Renew)), (3, Gen.Elements(Enum.GetValues<Act>()))), Gen.Choose(0, 1000)).ListOf(80).ToArbitrary(),
            acts => RunAsync(acts).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    private static async Task<bool> RunAsync(IEnumerable<(Act Act, int Number)> acts)
    {
        var fixture = new KeeperFixture();
        var lifetime = KeeperFixture.Lifetime;
        var mesh = Enumerable.Range(0, Sidecars).Select(i => new Sidecar($"shop/{i}")).ToArray();
        var pool = new List<AuthorityPart> { fixture.First };
        fixture.Progress = authority => Count(mesh, authority, fixture.Time.GetUtcNow());
        await fixture.LookAsync();
        foreach (var sidecar in mesh)
        {
            sidecar.Take(fixture);
            sidecar.Renew(fixture, lifetime);
        }

        foreach (var (act, number) in acts)
        {
            var sidecar = mesh[number % Sidecars];
            switch (act)
            {
                case Act.Ack when sidecar.IsConnected:
                    sidecar.Take(fixture);
                    break;
                case Act.Renew when sidecar.IsConnected:
                    sidecar.Renew(fixture, lifetime);
                    break;
                case Act.Disconnect:
                    sidecar.BackAt = fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(number % (int)fixture.Times.Hold.TotalSeconds);
                    break;
                case Act.Offer:
                    pool.Add(fixture.MakeRoot());
                    fixture.Store.Put(pool[number % pool.Count]);
                    break;
                case Act.OfferMore:
                    var known = pool[number % pool.Count];
                    fixture.Store.Put(known with { Roots = [.. known.Roots.Union([pool[number / 7 % pool.Count].Root])] });
                    break;
                case Act.OfferLess:
                    fixture.Store.Put(fixture.Store.Record!.Signer with { Roots = [fixture.Store.Record.Signer.Root] });
                    break;
                case Act.Rotate when fixture.Store.Record!.Step == RotationStep.Steady:
                    await fixture.RotateAsync(fixture.MakeRoot());
                    break;
                case Act.Abort when fixture.Store.Record!.Abort(default) is not null:
                    await fixture.AbortAsync();
                    break;
                case Act.Restart:
                    fixture.Restart();
                    fixture.Module.Apply(new() { CertificateLifetime = lifetime });
                    break;
                case Act.Lifetime:
                    lifetime = TimeSpan.FromSeconds(10 + number);
                    fixture.Module.Apply(new() { CertificateLifetime = lifetime });
                    await fixture.LookAsync();
                    break;
                case Act.Garbage:
                    fixture.Store.Offer = new AuthorityOffer("garbage", "ca.key", "garbage", "ca.pem");
                    break;
                case Act.Minutes:
                    for (var i = 0; i < 60 + number; i++)
                    {
                        // Life goes on: who is connected takes what there is, and renews in time.
                        Array.ForEach(mesh, one => one.Live(fixture, lifetime));
                        await StepAsync(fixture, mesh);
                        if (!Holds(mesh, fixture))
                        {
                            return false;
                        }
                    }

                    break;
            }

            await StepAsync(fixture, mesh);
            if (!Holds(mesh, fixture))
            {
                return false;
            }
        }

        return true;
    }

    private static async Task StepAsync(KeeperFixture fixture, Sidecar[] mesh)
    {
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var sidecar in mesh.Where(one => !one.IsConnected && one.BackAt <= fixture.Time.GetUtcNow()))
        {
            sidecar.BackAt = null;
        }

        await fixture.LookAsync();
    }

    private static bool Holds(Sidecar[] mesh, KeeperFixture fixture)
    {
        var now = fixture.Time.GetUtcNow();
        // Certificates alive, and the control plane's own, to which all must be able to come.
        return mesh.All(one => mesh.Where(other => other.EndsAt > now).All(other => one.Roots.Contains(other.Root)))
            && mesh.All(one => one.Roots.Contains(fixture.ServerRoot));
    }

    private static AuthorityProgress Count(Sidecar[] mesh, AuthorityInForce authority, DateTimeOffset now)
    {
        var connected = mesh.Where(one => one.IsConnected).ToArray();
        var roots = authority.Bundle.Roots.Select(root => root.ExportCertificatePem() + "\n").ToHashSet();
        var signer = authority.Signer.Root.ExportCertificatePem() + "\n";
        return new AuthorityProgress
        {
            Sidecars = connected.Length, WithRoots = connected.Count(one => one.Roots.SetEquals(roots)), WithIssuer = connected.Count(one => one.Root == signer || one.EndsAt <= now),
        };
    }

    private sealed class Sidecar(string name)
    {
        public HashSet<string> Roots { get; private set; } = [];

        public string Root { get; private set; } = "";

        public DateTimeOffset EndsAt { get; private set; }

        public DateTimeOffset? BackAt { get; set; }

        public bool IsConnected => BackAt is null;

        public override string ToString() => name;

        public void Take(KeeperFixture fixture) => Roots = [.. fixture.Published];

        public void Renew(KeeperFixture fixture, TimeSpan lifetime)
        {
            Take(fixture);
            (Root, EndsAt) = (fixture.SigningRoot, fixture.Time.GetUtcNow() + lifetime);
        }

        public void Live(KeeperFixture fixture, TimeSpan lifetime)
        {
            if (!IsConnected)
            {
                return;
            }

            Take(fixture);
            if (Root != fixture.SigningRoot || EndsAt - fixture.Time.GetUtcNow() < lifetime / 3)
            {
                Renew(fixture, lifetime);
            }
        }
    }
}

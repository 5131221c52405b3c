using System.Collections.Concurrent;
using System.Security.Cryptography;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// Connections between sidecars, each with the end of what its handshake proved: the certificates shown, the root that signed them. None
/// outlives it: first it is asked to end after what is in flight, then it is cut. TLS 1.3 in .NET can't prove anew on
/// an open connection, so a stream or tunnel as old as a certificate ends with it. One per program; thread-safe.
/// </summary>
internal sealed class ProvenConnections(TimeProvider time, ILogger<ProvenConnections> log)
{
    /// <value>Between the asking and the cut; half of what is left at the handshake, if that is less. 30 s.</value>
    public static readonly TimeSpan Lead = TimeSpan.FromSeconds(30);

    /// <value>How often connections are looked at. 1 s.</value>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Proof, byte> _open = new();
    private volatile HashSet<string>? _roots;

    /// <summary>How many there are.</summary>
    public int Count => _open.Count;

    /// <summary>A connection whose handshake is done, to be disposed with it.</summary>
    /// <param name="endsAt">When the first certificate expires.</param>
    /// <param name="root">SHA-256 of the root that signed the peer's.</param>
    /// <param name="ask">Lets it end after what is in flight; null: it can't be asked.</param>
    /// <param name="cut">Ends it at once.</param>
    public IDisposable Add(DateTimeOffset endsAt, string root, Action? ask, Action cut)
    {
        var now = time.GetUtcNow();
        var proof = new Proof(this, root, ask, cut) { EndsAt = endsAt, AskAt = endsAt - LeadOf(endsAt - now) };
        _open.TryAdd(proof, 0);
        EndWithRoot(proof, now); // the bundle may have changed since the handshake began
        return proof;
    }

    /// <summary>The roots believed from now on. Called by whoever changes the bundle.</summary>
    public void Apply(TrustBundle bundle)
    {
        _roots = [.. bundle.Roots.Select(root => root.GetCertHashString(HashAlgorithmName.SHA256))];
        var now = time.GetUtcNow();
        foreach (var (proof, _) in _open)
        {
            EndWithRoot(proof, now);
        }
    }

    /// <summary>Asks, and cuts, those whose time has come; called every <see cref="Interval"/>.</summary>
    public void Sweep()
    {
        var now = time.GetUtcNow();
        var cut = 0;
        foreach (var (proof, _) in _open)
        {
            if (now >= proof.AskAt)
            {
                proof.Ask();
            }

            if (now >= proof.EndsAt && _open.TryRemove(proof, out _))
            {
                cut++;
                proof.Cut();
            }
        }

        if (cut > 0)
        {
            IdentityLog.ConnectionsCut(log, cut);
        }
    }

    private static TimeSpan LeadOf(TimeSpan left) => left / 2 < Lead ? left / 2 : Lead;

    private void EndWithRoot(Proof proof, DateTimeOffset now)
    {
        if (_roots is { } roots && !roots.Contains(proof.Root) && proof.EndsAt > now + Lead)
        {
            (proof.AskAt, proof.EndsAt) = (now, now + Lead);
        }
    }

    /// <summary>One connection. Times are written by whoever adds it, then by whoever changes the bundle.</summary>
    private sealed class Proof(ProvenConnections owner, string root, Action? ask, Action cut) : IDisposable
    {
        private int _asked;
        private long _askAt;
        private long _endsAt;

        public string Root => root;

        public DateTimeOffset AskAt
        {
            get => new(Volatile.Read(ref _askAt), TimeSpan.Zero);
            set => Volatile.Write(ref _askAt, value.UtcTicks);
        }

        public DateTimeOffset EndsAt
        {
            get => new(Volatile.Read(ref _endsAt), TimeSpan.Zero);
            set => Volatile.Write(ref _endsAt, value.UtcTicks);
        }

        public void Ask()
        {
            if (ask is not null && Interlocked.Exchange(ref _asked, 1) == 0)
            {
                ask();
            }
        }

        public void Cut() => cut();

        public void Dispose() => owner._open.TryRemove(this, out _);
    }
}

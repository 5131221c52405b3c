namespace MeshLite.Hosting;

/// <summary>
/// How many requests the caller of one HTTP/2 connection may take back beyond those it lets finish: rapid reset (CVE-2023-44487) and what makes a server
/// take them back itself (CVE-2025-8671). Kestrel bounds what runs at once, streams reset among them (twice
/// <c>MaxStreamsPerConnection</c>), and so only ends who is faster than requests can be let go; this bounds the count, whoever is faster. One a connection; thread-safe.
/// <para>Deadlines and hedges take requests back too. So the balance begins high, each request that finishes gives one back, and who has used it up is
/// first asked to go (GOAWAY): an honest caller loses nothing and comes with a new connection.</para>
/// </summary>
public sealed class ResetBudget
{
    /// <value>Resets beyond requests finished, until the connection is asked to end; never more than that is saved up. 2,048: all streams of a connection twice.</value>
    public const int Full = 2048;

    /// <value>Resets after that, until it is cut. 1,024: all that may have been under way.</value>
    public const int Grace = 1024;

    private int _left = Full;

    /// <summary>A request has ended; <paramref name="reset"/>: because its caller took it back. Says what is to become of the connection: each verdict but the last is given once.</summary>
    public ResetVerdict Ended(bool reset)
    {
        if (reset)
        {
            return Interlocked.Decrement(ref _left) switch
            {
                0 => ResetVerdict.Ask,
                <= -Grace => ResetVerdict.Cut,
                _ => ResetVerdict.GoOn,
            };
        }

        // Usually full: nobody writes what all requests of the connection read.
        if (Volatile.Read(ref _left) is > 0 and < Full)
        {
            Interlocked.Increment(ref _left);
        }

        return ResetVerdict.GoOn;
    }
}

/// <summary>What is to become of a connection.</summary>
public enum ResetVerdict
{
    /// <summary>Nothing.</summary>
    GoOn,

    /// <summary>It is to end after what is in flight.</summary>
    Ask,

    /// <summary>It is to end now.</summary>
    Cut,
}

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Whether an endpoint has said a word lately, over any of its connections: requests are held back until it has
/// (<see cref="FirstWordStream"/>), so a request during which it said none was certainly not delivered. HttpClient may report
/// such a failure as a body that could not be sent, without the reason; this has kept it. One per endpoint; thread-safe.
/// </summary>
internal sealed class PeerContact(TimeProvider time)
{
    private readonly Lock _lock = new();
    private int _heard;
    private long _lostAt = long.MinValue;
    private long _failedAt = long.MinValue;
    private ConnectException? _failure;

    /// <summary>A connection has brought its first word; <see cref="Lost"/> follows when it ends.</summary>
    public void Heard()
    {
        lock (_lock)
        {
            _heard++;
        }
    }

    /// <summary>Such a connection has ended.</summary>
    public void Lost()
    {
        lock (_lock)
        {
            _heard--;
            _lostAt = time.GetTimestamp();
        }
    }

    /// <summary>A connection ended without a word.</summary>
    public void Failed(ConnectException why)
    {
        lock (_lock)
        {
            _failure = why;
            _failedAt = time.GetTimestamp();
        }
    }

    /// <summary>Why nothing that began at a timestamp has been delivered; null: something may have been.</summary>
    public ConnectException? Silence(long since)
    {
        lock (_lock)
        {
            return _heard == 0 && _lostAt < since && _failedAt >= since ? _failure : null;
        }
    }
}

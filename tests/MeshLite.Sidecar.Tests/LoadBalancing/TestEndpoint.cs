using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>An endpoint that answers in a given time.</summary>
internal sealed class TestEndpoint(TimeProvider time, int weight = 1, double milliseconds = 10) : ILoadBalanced
{
    private int _probes;
    private volatile bool _isOut;

    public PeakEwma Load { get; } = new(time);

    public int Weight { get; } = weight;

    public double Milliseconds { get; set; } = milliseconds;

    public int Picked { get; set; }

    public long JoinedAt { get; init; } = SlowStart.AlwaysThere;

    public ulong HashId { get; init; }

    public bool IsOut
    {
        get
        {
            Asked++;
            return _isOut;
        }
        set => _isOut = value;
    }

    /// <summary>How often anybody asked whether it is out.</summary>
    public int Asked { get; private set; }

    /// <summary>Probes it still lets through.</summary>
    public int Probes
    {
        get => Volatile.Read(ref _probes);
        set => Volatile.Write(ref _probes, value);
    }

    public bool TryProbe()
    {
        if (Interlocked.Decrement(ref _probes) >= 0)
        {
            return true;
        }

        Interlocked.Increment(ref _probes);
        return false;
    }
}

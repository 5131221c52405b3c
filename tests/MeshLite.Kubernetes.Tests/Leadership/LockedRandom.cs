namespace MeshLite.Kubernetes.Tests.Leadership;

/// <summary>A <see cref="Random"/> with a seed that several threads may ask.</summary>
internal sealed class LockedRandom(int seed) : Random(seed)
{
    private readonly Lock _lock = new();

    public override double NextDouble()
    {
        lock (_lock)
        {
            return base.NextDouble();
        }
    }

    public override int Next(int maxValue)
    {
        lock (_lock)
        {
            return base.Next(maxValue);
        }
    }

    public override int Next(int minValue, int maxValue)
    {
        lock (_lock)
        {
            return base.Next(minValue, maxValue);
        }
    }
}

namespace MeshLite.Sidecar.Tests.Resilience;

/// <summary>A random source that always draws the same.</summary>
internal sealed class Luck(double value) : Random
{
    public override double NextDouble() => value;
}

namespace MeshLite.Bench.Scale.Cluster;

/// <summary>One pod, which is replaced by others in its place. Changed by the phase that runs, on one task.</summary>
/// <param name="service">Number of its Service.</param>
/// <param name="place">Its place among the Service's pods.</param>
/// <param name="number">Its place among all pods.</param>
internal sealed class SimulatedPod(int service, int place, int number)
{
    private int _generation;

    /// <summary>Number of its Service.</summary>
    public int Service => service;

    /// <summary>Of the pod that is there now.</summary>
    public string Name => $"s{service}-{place}-{_generation}";

    /// <summary>10.128.0.0 and up; each generation has its own.</summary>
    public string Address
    {
        get
        {
            var host = (_generation * 1_000_000) + number;
            return $"10.{128 + (host >> 16)}.{(host >> 8) & 255}.{host & 255}";
        }
    }

    /// <summary>Whether its endpoint takes calls.</summary>
    public bool Ready { get; set; } = true;

    /// <summary>Another pod takes its place.</summary>
    public void Replace() => _generation++;
}

using System.Buffers;
using System.Text;

namespace MeshLite.Metrics;

/// <summary>
/// All series of one name. Owned by the <see cref="MetricRegistry"/> it was registered with; thread-safe.
/// </summary>
public abstract class MetricFamily
{
    private static readonly string[] SampleSuffixes = ["_bucket", "_sum", "_count"];

    private readonly string[] _labelNames;

    private protected MetricFamily(MetricType type, string name, string help, ReadOnlySpan<string> labelNames)
    {
        MetricNames.Check(type, name, help, labelNames);
        Type = type;
        Name = name;
        Help = help;
        _labelNames = labelNames.ToArray();
        // OpenMetrics counts the suffix _total to the sample, not to the family.
        FamilyName = type == MetricType.Counter ? name[..^"_total".Length] : name;
        Unit = MetricNames.UnitOf(FamilyName);
        NameBytes = Encoding.ASCII.GetBytes(name);
    }

    /// <summary>As registered; counters end in <c>_total</c>.</summary>
    public string Name { get; }

    /// <summary>One sentence for people.</summary>
    public string Help { get; }

    /// <summary>Told by the name's last part (<c>seconds</c>, <c>bytes</c>, …); empty where it names none.</summary>
    public string Unit { get; }

    /// <summary>In the order in which <c>Series</c> takes their values.</summary>
    public ReadOnlySpan<string> LabelNames => _labelNames;

    internal MetricType Type { get; }

    /// <summary>Whether a name of this family, or of one of its samples, is in a set.</summary>
    internal bool IsAmong(IReadOnlySet<string> names) =>
        names.Contains(Name) || names.Contains(FamilyName) || (Type == MetricType.Histogram && SampleSuffixes.Any(suffix => names.Contains(Name + suffix)));

    internal string FamilyName { get; }

    internal byte[] NameBytes { get; }

    /// <summary>Writes header and samples; <paramref name="scratch"/> is the caller's, reused between families.</summary>
    internal abstract void Write(ref ExpositionWriter writer, ArrayBufferWriter<byte> scratch);

    /// <summary>Called by the registry's timer: takes series that have been idle too long out of the exposition.</summary>
    internal virtual void Sweep(long now)
    {
    }
}

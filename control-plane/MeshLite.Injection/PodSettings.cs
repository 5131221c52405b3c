using System.Globalization;
using System.Text.RegularExpressions;

namespace MeshLite.Injection;

/// <summary>What a pod's own annotations say about its sidecar, checked. Immutable; reading is pure.</summary>
internal sealed partial record PodSettings
{
    private static readonly string[] LogLevels = ["Trace", "Debug", "Information", "Warning", "Error"];

    private static readonly string[] MtlsModes = ["Permissive", "Strict"];

    /// <summary>Sorted, each once.</summary>
    public IReadOnlyList<int> SkipInbound { get; private init; } = [];

    /// <inheritdoc cref="SkipInbound"/>
    public IReadOnlyList<int> SkipOutbound { get; private init; } = [];

    /// <inheritdoc cref="SkipInbound"/>
    public IReadOnlyList<int> Opaque { get; private init; } = [];

    /// <summary>Null: the sidecar's default.</summary>
    public string? LogLevel { get; private init; }

    /// <summary>Null: the installation's default.</summary>
    public string? CpuRequest { get; private init; }

    /// <inheritdoc cref="CpuRequest"/>
    public string? MemoryRequest { get; private init; }

    /// <summary>Reads them; <paramref name="refusal"/> names the first that is wrong. Annotations of ours that nobody knows are warned of.</summary>
    public static PodSettings? Read(IReadOnlyDictionary<string, string> annotations, List<string> warnings, out string? refusal)
    {
        string? problem = null;
        var settings = new PodSettings
        {
            SkipInbound = Ports(MeshAnnotations.SkipInbound),
            SkipOutbound = Ports(MeshAnnotations.SkipOutbound),
            Opaque = Ports(MeshAnnotations.Opaque),
            LogLevel = OneOf(MeshAnnotations.LogLevel, LogLevels),
            CpuRequest = Quantity(MeshAnnotations.CpuRequest, "100m, 0.5"),
            MemoryRequest = Quantity(MeshAnnotations.MemoryRequest, "64Mi, 128M"),
        };
        OneOf(MeshAnnotations.Mtls, MtlsModes);
        foreach (var name in annotations.Keys.Where(IsUnknown).Order(StringComparer.Ordinal))
        {
            warnings.Add($"annotation {name} is none that MeshLite knows: it has no effect");
        }

        refusal = problem;
        return problem is null ? settings : null;

        IReadOnlyList<int> Ports(string name)
        {
            var ports = new SortedSet<int>();
            foreach (var part in (annotations.GetValueOrDefault(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                if (!ushort.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
                {
                    problem ??= $"annotation {name}: '{part}' is not a port; it takes port numbers separated by commas, for example 25,587";
                }

                ports.Add(port);
            }

            return [.. ports];
        }

        string? OneOf(string name, string[] values)
        {
            if (!annotations.TryGetValue(name, out var value))
            {
                return null;
            }

            var known = Array.Find(values, v => v.Equals(value, StringComparison.Ordinal));
            problem ??= known is null ? $"annotation {name}: '{value}' is none of {string.Join(", ", values)}" : null;
            return known;
        }

        string? Quantity(string name, string examples)
        {
            if (!annotations.TryGetValue(name, out var value))
            {
                return null;
            }

            problem ??= !QuantityPattern().IsMatch(value) || !IsAboveZero(value) ? $"annotation {name}: '{value}' is not a quantity above zero, for example {examples}" : null;
            return value;
        }
    }

    private static bool IsUnknown(string name) =>
        name.StartsWith(MeshAnnotations.Prefix, StringComparison.Ordinal)
        && !MeshAnnotations.Read.Contains(name, StringComparer.Ordinal) && !MeshAnnotations.Written.Contains(name, StringComparer.Ordinal);

    private static bool IsAboveZero(string quantity) => quantity.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Any(c => c is >= '1' and <= '9');

    // https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, without sign.
    [GeneratedRegex("""\A([0-9]+(\.[0-9]*)?|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|m|k|M|G|T|P|E|[eE][+-]?[0-9]+)?\z""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex QuantityPattern();
}

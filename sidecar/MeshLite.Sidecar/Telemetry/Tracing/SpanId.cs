namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>A span's 64-bit id. The default value is none. Immutable.</summary>
internal readonly record struct SpanId(ulong Value)
{
    /// <summary>Zero: no span.</summary>
    public bool IsEmpty => Value == 0;

    /// <summary>16 lower-case hexadecimal digits, not all zero.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out SpanId id)
    {
        id = hex.Length == 16 && Hex.TryParse(hex, out var value) ? new SpanId(value) : default;
        return !id.IsEmpty;
    }

    /// <summary>16 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{Value:x16}";
}

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>A trace's 128-bit id; a 64-bit one (B3) is padded with zeros on the left. The default value is none. Immutable.</summary>
internal readonly record struct TraceId(ulong High, ulong Low)
{
    /// <summary>Characters of <see cref="TryFormat"/>.</summary>
    public const int Length = 32;

    /// <summary>All zero: no trace.</summary>
    public bool IsEmpty => (High | Low) == 0;

    /// <summary>32 lower-case hexadecimal digits, or 16 of a 64-bit id; anything else, and all zeros, is none.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out TraceId id)
    {
        ulong high = 0;
        ulong low = 0;
        var valid = hex.Length switch
        {
            32 => Hex.TryParse(hex[..16], out high) && Hex.TryParse(hex[16..], out low),
            16 => Hex.TryParse(hex, out low),
            _ => false,
        };
        id = valid ? new TraceId(high, low) : default;
        return !id.IsEmpty;
    }

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public bool TryFormat(Span<char> target)
    {
        if (target.Length < Length)
        {
            return false;
        }

        Hex.Format(High, target);
        Hex.Format(Low, target[16..]);
        return true;
    }

    /// <summary>As <see cref="TryFormat"/>; empty for none.</summary>
    public override string ToString() => IsEmpty ? "" : $"{High:x16}{Low:x16}";
}

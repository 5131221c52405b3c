using System.Buffers;
using System.Text.Unicode;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// Whether an application may read a path otherwise than rules do. Beyond what <see cref="PathAmbiguity"/> names, which misleads routes
/// too: parameters (<c>/admin;x</c>: servlet containers drop them), what is encoded twice, control characters and spaces where servers
/// trim them, and bytes that are no UTF-8 (<c>%C0%AE</c>, the overlong dot: RFC 3629 §10). Pure; allocates nothing but for long paths with bytes above ASCII.
/// </summary>
internal static class PathDoubt
{
    /// <summary>True: no rule may be sure of it.</summary>
    public static bool Has(in RequestTarget target) =>
        target.Form is not (TargetForm.Origin or TargetForm.Absolute) || target.IsAmbiguous
        || (target.Path.ContainsAny(';', '%') && LooksOdd(target.Path));

    // Of the normalised path: /%25%36%31 is /%2561 there, and so /%61 to whoever decodes twice.
    private static bool LooksOdd(ReadOnlySpan<char> path)
    {
        var aboveAscii = false;
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == ';')
            {
                return true;
            }

            if (path[i] == '%' && PercentEncoding.TryDecode(path[i..], out var value))
            {
                if (value is (byte)';' or < 0x20 or 0x7f || (value == '%' && IsHex(path, i + 3))
                    || (value == ' ' && (path[i - 1] == '/' || i + 3 == path.Length || path[i + 3] is '/' or '%'))
                    || (value == 0xc2 && path[(i + 3)..] is ['%', 'A', '0', ..] or ['%', '8', '5', ..]))
                {
                    return true;
                }

                aboveAscii |= value >= 0x80;
                i += 2;
            }
        }

        return aboveAscii && !IsUtf8(path);
    }

    private static bool IsHex(ReadOnlySpan<char> path, int at) =>
        at + 1 < path.Length && char.IsAsciiHexDigit(path[at]) && char.IsAsciiHexDigit(path[at + 1]);

    private static bool IsUtf8(ReadOnlySpan<char> path)
    {
        var rented = path.Length <= 512 ? null : ArrayPool<byte>.Shared.Rent(path.Length);
        Span<byte> bytes = rented ?? stackalloc byte[512];
        var length = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var encoded = PercentEncoding.TryDecode(path[i..], out var value);
            bytes[length++] = encoded ? value : (byte)path[i];
            i += encoded ? 2 : 0;
        }

        var valid = Utf8.IsValid(bytes[..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return valid;
    }
}

using System.Buffers;
using System.Collections.Frozen;

namespace MeshLite.Sidecar.Routing;

/// <summary>Which headers configuration may change, and what it may put there.</summary>
internal static class HeaderRules
{
    // tchar of RFC 9110 §5.6.2.
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // RFC 9110 §7.6.1 and RFC 9113 §8.2.2 (per connection), RFC 9112 §6 (framing), and Host, which chose the destination.
    private static readonly FrozenSet<string> Protected = new[]
    {
        "host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>A plain sentence why not; null: allowed.</summary>
    public static string? Refusal(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(Token))
        {
            return $"'{name}' is not a header name";
        }

        if (Protected.Contains(name))
        {
            return $"header '{name}' belongs to the connection or the message's framing and cannot be changed";
        }

        if (name.StartsWith("meshlite-", StringComparison.OrdinalIgnoreCase))
        {
            return $"header '{name}' belongs to the mesh and cannot be changed";
        }

        // RFC 9110 §5.5: CR, LF and NUL would let a value end the header section.
        return value.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0 ? $"the value of header '{name}' holds a line break or NUL" : null;
    }
}

using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Routing;

/// <summary>Finds one cookie of a request, without parsing the others into strings (RFC 6265 §4.2.1; HTTP/2 may split the field, RFC 9113 §8.2.3).</summary>
internal static class RequestCookie
{
    /// <summary>The first cookie of that name, whose case counts. The value is as sent, quotes included.</summary>
    public static bool TryFind(StringValues fields, string name, out ReadOnlySpan<char> value)
    {
        foreach (var field in fields)
        {
            var rest = field.AsSpan();
            while (!rest.IsEmpty)
            {
                var end = rest.IndexOf(';');
                var pair = (end < 0 ? rest : rest[..end]).Trim(" \t");
                rest = end < 0 ? default : rest[(end + 1)..];
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name, StringComparison.Ordinal))
                {
                    value = pair[(name.Length + 1)..];
                    return true;
                }
            }
        }

        value = default;
        return false;
    }
}

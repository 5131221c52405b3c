using System.Globalization;
using MeshLite.Model;
using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Keeps a caller with the backend a split first gave it, by a point of the split's range that comes back with each request:
/// the hash of a header, or a cookie that holds it, 16 hex digits. The cookie is not signed: the worst a caller can do with it
/// is choose among backends the rule sends it to anyway. Immutable.
/// </summary>
internal sealed class StickySplit
{
    private readonly string? _header;
    private readonly string? _cookie;
    private readonly string _attributes;

    /// <summary>Compiles it.</summary>
    public StickySplit(StickyConfig config)
    {
        _header = config.Header;
        _cookie = config.Cookie;
        var maxAge = config.CookieTtl is { } ttl ? string.Create(CultureInfo.InvariantCulture, $"; Max-Age={Math.Max((long)ttl.TotalSeconds, 1)}") : "";
        _attributes = $"; Path=/{maxAge}; HttpOnly; SameSite=Lax";
    }

    /// <summary>
    /// A backend, as <see cref="WeightedSplit.Next()"/> gives it. A caller without the header is split anew each time; one without
    /// the cookie, or with something else in it, gets <paramref name="setCookie"/>, the value of a <c>Set-Cookie</c> field to add.
    /// </summary>
    public int Choose(WeightedSplit split, IHeaderDictionary headers, out string? setCookie)
    {
        setCookie = null;
        if (_cookie is null)
        {
            return _header is not null && HashKey.OfHeader(headers, _header) is { } hash ? split.At(hash) : split.Next();
        }

        if (RequestCookie.TryFind(headers.Cookie, _cookie, out var value)
            && value.Length == 16
            && ulong.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point))
        {
            return split.At(point);
        }

        var chosen = split.Next(out point);
        if (chosen >= 0)
        {
            setCookie = string.Create(CultureInfo.InvariantCulture, $"{_cookie}={point:x16}{_attributes}");
        }

        return chosen;
    }
}

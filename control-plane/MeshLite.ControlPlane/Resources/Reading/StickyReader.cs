using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a rule's <c>sticky</c>. Pure.</summary>
internal static class StickyReader
{
    private static readonly TimeSpan MinTtl = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxTtl = TimeSpan.FromHours(365 * 24);

    /// <summary>Reads it.</summary>
    public static StickyConfig Read(FieldReader sticky)
    {
        sticky.RequireOneOf("cookie", "header");
        var cookie = sticky.Object("cookie", ReadCookie);
        return new StickyConfig { Cookie = cookie?.Name, CookieTtl = cookie?.Ttl, Header = sticky.Text("header", Check.HeaderName) };
    }

    private static Cookie ReadCookie(FieldReader cookie) => new(cookie.RequiredText("name", Check.CookieName), cookie.Duration("ttl", MinTtl, MaxTtl));

    private sealed record Cookie(string Name, TimeSpan? Ttl);
}

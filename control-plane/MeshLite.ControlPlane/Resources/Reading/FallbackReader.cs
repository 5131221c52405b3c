using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a rule's <c>fallback</c>. Pure.</summary>
internal static class FallbackReader
{
    /// <summary>Longest body of a static response, in characters: it travels with the configuration.</summary>
    private const int MaxBody = 16_384;

    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>Reads it.</summary>
    public static RouteFallback Read(FieldReader fallback)
    {
        fallback.RequireOneOf("response", "backendRef");
        return new RouteFallback(fallback.Object("response", ReadResponse), fallback.Object("backendRef", BackendRefReader.ReadWhole));
    }

    private static StaticResponseConfig ReadResponse(FieldReader response)
    {
        response.RequireField("status");
        var status = response.Integer("status", 200, 599) ?? 200;
        var type = response.Text("contentType", Check.MediaType);
        var body = response.Text("body", text =>
            text.Length > MaxBody ? $"has {text.Length} characters, may have {MaxBody}"
            : text.Length > 0 && status is 204 or 205 or 304 ? $"a response of status {status} has no body (RFC 9110 §6.4.1)"
            : null) ?? "";
        return new StaticResponseConfig(status, type ?? (body.Length > 0 ? PlainText : ""), body);
    }
}

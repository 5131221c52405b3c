using System.Collections.Frozen;
using System.Net.Http.Headers;
using MeshLite.Sidecar.Pipeline;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Copies a message's header fields from one hop to the next: everything but the fields of the hop itself (RFC
/// 9110 §7.6.1: Connection, what Connection names, and their kin) and the mesh's own. Pure.
/// </summary>
internal static class MessageHeaders
{
    private static readonly FrozenSet<string> HopByHop = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
        "TE", "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // Fields System.Net.Http keeps with the content; it refuses them elsewhere.
    private static readonly FrozenSet<string> ContentFields = new[]
    {
        "Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
        "Content-MD5", "Content-Range", "Content-Type", "Expires", "Last-Modified",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Copies a request's fields. <c>Host</c> is the caller's business.</summary>
    public static void CopyRequest(IHeaderDictionary from, HttpRequestMessage to)
    {
        var nominated = Nominated(from.Connection);
        foreach (var (name, values) in from)
        {
            if (name[0] == ':' || HopByHop.Contains(name) || MeshHeaders.IsMeshHeader(name)
                || name.Equals("Host", StringComparison.OrdinalIgnoreCase) || IsNominated(nominated, name))
            {
                continue;
            }

            Add(to, name, values);
        }

        // RFC 9110 §10.1.4: TE is of the hop, and "trailers" is the one value this hop can honour.
        if (from.TE.Count > 0 && from.TE.ToString().Contains("trailers", StringComparison.OrdinalIgnoreCase))
        {
            to.Headers.TryAddWithoutValidation("TE", "trailers");
        }
    }

    /// <summary>
    /// Copies a response's or its trailers' fields. <paramref name="keepMeshError"/>: the server is a verified
    /// sidecar, whose <c>meshlite-error</c> is for the caller to see.
    /// </summary>
    public static void CopyResponse(HttpHeaders from, IHeaderDictionary to, StringValues connection, bool keepMeshError)
    {
        var nominated = Nominated(connection);
        foreach (var (name, values) in from.NonValidated)
        {
            if (HopByHop.Contains(name) || IsNominated(nominated, name))
            {
                continue;
            }

            if (MeshHeaders.IsMeshHeader(name)
                && !(keepMeshError && name.Equals(MeshHeaders.Error, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            to[name] = values.Count == 1 ? values.ToString() : Concat(to[name], values);
        }
    }

    private static void Add(HttpRequestMessage to, string name, StringValues values)
    {
        bool added;
        if (ContentFields.Contains(name))
        {
            // A body-less request may still describe content (Content-Type on a GET): carry it on an empty one.
            to.Content ??= new ByteArrayContent([]);
            added = to.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        else if (values.Count == 1)
        {
            added = to.Headers.TryAddWithoutValidation(name, values.ToString());
        }
        else
        {
            added = to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        if (!added)
        {
            // Kestrel lets pass a few letters that RFC 9110 §5.6.2 has no place for. Without the field the request is another.
            throw new FormatException("A header field's name is not a token.");
        }
    }

    private static StringValues Concat(StringValues existing, HeaderStringValues added)
    {
        foreach (var value in added)
        {
            existing = StringValues.Concat(existing, value);
        }

        return existing;
    }

    /// <summary>The names <c>Connection</c> lists, or null where it lists none that need a look.</summary>
    private static string[]? Nominated(StringValues connection)
    {
        if (connection.Count == 0)
        {
            return null;
        }

        var value = connection.ToString();
        return value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) || value.Equals("close", StringComparison.OrdinalIgnoreCase)
            ? null
            : value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private static bool IsNominated(string[]? nominated, string name) =>
        nominated is not null && nominated.Contains(name, StringComparer.OrdinalIgnoreCase);
}

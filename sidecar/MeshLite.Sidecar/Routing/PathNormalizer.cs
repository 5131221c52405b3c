using System.Buffers;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Takes a request target apart and brings its path into the form rules match (RFC 3986 §6.2.2), telling along the way
/// where that form may not be what the application will understand. Stateless; allocates nothing for targets that are
/// normal already, which nearly all are.
/// </summary>
internal static class PathNormalizer
{
    // Everything a normal path is made of: pchar of RFC 3986 §3.3 without '%', and '/'. Dots and double slashes are looked for apart.
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/");

    /// <summary>Reads a target. CONNECT has the authority form and no other method has (RFC 9110 §9.3.6).</summary>
    public static RequestTarget Normalize(string rawTarget, bool isConnect = false)
    {
        if (isConnect)
        {
            return new RequestTarget(
                rawTarget, rawTarget.Length > 0 ? TargetForm.Authority : TargetForm.Invalid, 0, rawTarget.Length, rawTarget.Length, null, PathAmbiguity.None);
        }

        if (rawTarget.StartsWith('/'))
        {
            return Read(rawTarget, TargetForm.Origin, 0, 0);
        }

        if (rawTarget == "*")
        {
            return new RequestTarget(rawTarget, TargetForm.Asterisk, 0, 0, 1, null, PathAmbiguity.None);
        }

        var authorityStart = AuthorityStart(rawTarget);
        if (authorityStart < 0)
        {
            return new RequestTarget(rawTarget, TargetForm.Invalid, 0, 0, 0, null, PathAmbiguity.None);
        }

        // RFC 3986 §3.2: the authority ends at the next slash, question mark or number sign, or with the target. An empty
        // one is invalid (RFC 9110 §4.2.1).
        var length = rawTarget.AsSpan(authorityStart).IndexOfAny('/', '?', '#');
        var pathStart = length < 0 ? rawTarget.Length : authorityStart + length;
        return pathStart == authorityStart
            ? new RequestTarget(rawTarget, TargetForm.Invalid, 0, 0, 0, null, PathAmbiguity.None)
            : Read(rawTarget, TargetForm.Absolute, authorityStart, pathStart);
    }

    /// <summary>
    /// The same normal form for a path written in a rule, so that <c>/caf%c3%a9</c> there matches <c>/caf%C3%A9</c> here.
    /// What is not a path stays as it is.
    /// </summary>
    public static string NormalizeRulePath(string path) => path.StartsWith('/') ? Rewrite(path, out _) ?? path : path;

    private static int AuthorityStart(string target)
    {
        if (target.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            return "http://".Length;
        }

        return target.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? "https://".Length : -1;
    }

    private static RequestTarget Read(string raw, TargetForm form, int authorityStart, int pathStart)
    {
        var rest = raw.AsSpan(pathStart);
        var query = rest.IndexOf('?');
        var path = query < 0 ? rest : rest[..query];
        var pathEnd = pathStart + path.Length;
        if (path.IsEmpty)
        {
            // RFC 3986 §6.2.3: an absolute form without path means "/".
            return new RequestTarget(raw, form, authorityStart, pathStart, pathEnd, "/", PathAmbiguity.None);
        }

        if (!path.ContainsAnyExcept(Plain) && !HasOddSegment(path))
        {
            return new RequestTarget(raw, form, authorityStart, pathStart, pathEnd, null, PathAmbiguity.None);
        }

        var rewritten = Rewrite(path, out var ambiguity);
        return new RequestTarget(raw, form, authorityStart, pathStart, pathEnd, rewritten, ambiguity);
    }

    /// <summary>Whether a segment is empty or begins with a dot: the slow path then looks closer.</summary>
    private static bool HasOddSegment(ReadOnlySpan<char> path) =>
        path.Contains("//", StringComparison.Ordinal) || path.Contains("/.", StringComparison.Ordinal);

    /// <summary>The normal form, or null where that is the path itself.</summary>
    private static string? Rewrite(ReadOnlySpan<char> path, out PathAmbiguity ambiguity)
    {
        // Decoding and removing only ever shorten a path.
        var rented = path.Length <= 512 ? null : ArrayPool<char>.Shared.Rent(path.Length);
        Span<char> buffer = rented ?? stackalloc char[512];

        var decoded = PercentEncoding.Normalize(path, buffer, out ambiguity);
        if (path[0] != '/')
        {
            ambiguity |= PathAmbiguity.IllegalCharacter;
        }

        var length = DotSegments.Remove(buffer[..decoded], ref ambiguity);
        var result = buffer[..length].SequenceEqual(path) ? null : new string(buffer[..length]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return result;
    }
}

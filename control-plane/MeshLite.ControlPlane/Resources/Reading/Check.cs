using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// Rules for single values. Each answers null for a good value, else with what is wrong with it, as the end of a sentence
/// that begins with the field's name. Pure.
/// </summary>
internal static class Check
{
    /// <summary>Longest path or pattern of a path, as in the Gateway API.</summary>
    public const int MaxPath = 1024;

    /// <summary>Longest header or query value, as in the Gateway API.</summary>
    public const int MaxValue = 4096;

    private const string Alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private static readonly SearchValues<char> LowerDash = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create(Alphanumeric + "-_.");
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(Alphanumeric + "!#$%&'*+-.^_`|~");
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create(Alphanumeric + "-/._~!$&'()*+,;=:@");

    // Owned by the connection or by the mesh: a filter that changed them would break framing (RFC 9110 §7.6.1, §6.4.1), routing, or trust.
    private static readonly HashSet<string> UnchangeableHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Connection",
        "HTTP2-Settings", "grpc-timeout",
    };

    /// <summary>Name of a namespace, Service, subset or port (RFC 1123 label).</summary>
    public static string? Label(string value) =>
        IsLabel(value)
            ? null
            : $"'{Short(value)}' is not a name of up to 63 lower case letters, digits and dashes";

    /// <summary>Name of any other resource, or of a rule (RFC 1123 subdomain).</summary>
    public static string? Subdomain(string value) =>
        value.Length <= 253 && value.Split('.').All(label => IsLabel(label))
            ? null
            : $"'{Short(value)}' is not a name of up to 253 lower case letters, digits, dashes and dots";

    /// <summary>Key of a label or annotation: <c>[prefix/]name</c>.</summary>
    public static string? LabelKey(string value)
    {
        var slash = value.IndexOf('/');
        var (prefix, name) = slash < 0 ? ((string?)null, value) : (value[..slash], value[(slash + 1)..]);
        return IsLabelValue(name) && (prefix is null || Subdomain(prefix) is null)
            ? null
            : "is not a label's name";
    }

    /// <summary>Value of a label; may be empty.</summary>
    public static string? LabelValue(string value) =>
        value.Length == 0 || IsLabelValue(value)
            ? null
            : $"'{Short(value)}' is not a label's value (up to 63 letters, digits, '-', '_', '.')";

    /// <summary>Name of a header in a match (RFC 9110 §5.1, token).</summary>
    public static string? HeaderName(string value) => IsToken(value, 256) ? null : $"'{Short(value)}' is not a header's name";

    /// <summary>Name of a cookie (RFC 6265 §4.1.1, token).</summary>
    public static string? CookieName(string value) => IsToken(value, 256) ? null : $"'{Short(value)}' is not a cookie's name";

    /// <summary>Name of a host, without port (Gateway API PreciseHostname: a subdomain as in RFC 1123, no wildcard, no address).</summary>
    public static string? Hostname(string value) =>
        Subdomain(value) is null && !IPAddress.TryParse(value, out _) ? null : $"'{Short(value)}' is not a host's name in lower case without port (no address, no wildcard)";

    /// <summary>Media type, with parameters or without (RFC 9110 §8.3.1).</summary>
    public static string? MediaType(string value) =>
        value.Length <= 256 && MediaTypeHeaderValue.TryParse(value, out _) ? null : $"'{Short(value)}' is not a media type such as application/json";

    /// <summary>Where an OTLP collector listens.</summary>
    public static string? CollectorUrl(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        && url is { Host.Length: > 0, UserInfo: "", Query: "", Fragment: "", AbsolutePath: "/" }
            ? null
            : $"'{Short(value)}' is not of the form http://HOST:PORT or https://HOST:PORT";

    /// <summary>Name of a header a filter may change.</summary>
    public static string? ChangeableHeaderName(string value) =>
        HeaderName(value)
        ?? (UnchangeableHeaders.Contains(value) ? $"the header {value} belongs to the connection, a filter may not change it"
            : value.StartsWith("meshlite-", StringComparison.OrdinalIgnoreCase) ? "headers named meshlite-* belong to the mesh, a filter may not change them"
            : null);

    /// <summary>Value a header is set to, or compared with: visible characters, inner spaces and tabs (RFC 9110 §5.5).</summary>
    public static string? HeaderValue(string value) =>
        value.Length is < 1 or > MaxValue ? $"must have 1 to {MaxValue} characters"
        : value.Any(c => c is (< ' ' and not '\t') or '\x7f') ? "holds a control character"
        : value[0] is ' ' or '\t' || value[^1] is ' ' or '\t' ? "begins or ends with a space, which no header's value does"
        : null;

    /// <summary>A method (RFC 9110 §9.1) in upper case: methods are case-sensitive, and no registered one is otherwise.</summary>
    public static string? Method(string value) =>
        IsToken(value, 64) && !value.Any(char.IsAsciiLetterLower)
            ? null
            : $"'{Short(value)}' is not a method in upper case";

    /// <summary>
    /// Callers: a SPIFFE ID, <c>*</c> for everyone, or a SPIFFE ID whose beginning or end is replaced by <c>*</c>.
    /// </summary>
    public static string? Principal(string value) =>
        value == "*" || SpiffeId.TryParse(value, out _) || IsPrincipalPattern(value)
            ? null
            : $"'{Short(value)}' is neither spiffe://<trust-domain>/ns/<namespace>/sa/<service-account> nor that with a * for its beginning or end";

    /// <summary>A namespace, <c>*</c> for any, or one whose beginning or end is replaced by <c>*</c>.</summary>
    public static string? NamespacePattern(string value) =>
        value == "*" || Label(value) is null || (IsPattern(value) && !value.AsSpan().Trim('*').ContainsAnyExcept(LowerDash))
            ? null
            : $"'{Short(value)}' is neither a namespace nor that with a * for its beginning or end";

    /// <summary>
    /// A path in the normal form that requests are brought to, <c>*</c> for any, or one whose beginning or end is replaced by <c>*</c>.
    /// </summary>
    public static string? PathPattern(string value)
    {
        if (value == "*" || (value.Length > 0 && !value.Contains('*')))
        {
            return value == "*" ? null : UnambiguousPath(value);
        }

        return !IsPattern(value) ? $"'{Short(value)}' may have one * at its beginning or end, and something beside it"
            : value[0] == '*' ? UnambiguousPath($"/x{value[1..]}")
            : UnambiguousPath(value[..^1]);
    }

    /// <summary>What may be called outside the mesh: a host's name, all below one (<c>*.example.com</c>), an address, or a network.</summary>
    public static string? OutsideHost(string value) =>
        (value.Contains('/') ? Network(value) is null : IPAddress.TryParse(value, out _) || Hostname(value.StartsWith("*.", StringComparison.Ordinal) ? value[2..] : value) is null)
            ? null
            : $"'{Short(value)}' is none of example.com, *.example.com, 192.0.2.1 and 192.0.2.0/24";

    /// <summary>Name of a query parameter.</summary>
    public static string? QueryName(string value) => value.Length is > 0 and <= 256 ? null : "must have 1 to 256 characters";

    /// <summary>Value of a query parameter.</summary>
    public static string? QueryValue(string value) => value.Length is > 0 and <= MaxValue ? null : $"must have 1 to {MaxValue} characters";

    /// <summary>Path of an Exact or PathPrefix match, in the normal form that requests are brought to (as the Gateway API demands).</summary>
    public static string? Path(string value)
    {
        if (value.Length is < 1 or > MaxPath)
        {
            return $"must have 1 to {MaxPath} characters";
        }

        if (value[0] != '/')
        {
            return $"'{Short(value)}' must begin with '/'";
        }

        foreach (var part in (string[])["//", "/./", "/../", "%2f", "%2F", "#"])
        {
            if (value.Contains(part, StringComparison.Ordinal))
            {
                return $"'{Short(value)}' must not contain '{part}'";
            }
        }

        return value.EndsWith("/..", StringComparison.Ordinal) || value.EndsWith("/.", StringComparison.Ordinal) ? $"'{Short(value)}' must not end with '/.' or '/..'"
            : IsPathText(value) ? null
            : $"'{Short(value)}' has a character that must be percent-encoded in a path";
    }

    /// <summary>A regular expression as sidecars run it: .NET, non-backtracking, anchored at both ends.</summary>
    public static string? Regex(string value, int maxLength)
    {
        if (value.Length < 1 || value.Length > maxLength)
        {
            return $"must have 1 to {maxLength} characters";
        }

        try
        {
            _ = new Regex($@"\A(?:{value})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return null;
        }
        catch (RegexParseException problem)
        {
            return $"'{Short(value)}' is not a regular expression: {problem.Message}";
        }
        catch (NotSupportedException)
        {
            return $"'{Short(value)}' needs backtracking (lookaround, back reference, atomic group) or is too large; neither is supported";
        }
    }

    /// <summary>Name in every SPIFFE ID.</summary>
    public static string? TrustDomain(string value) =>
        SpiffeId.IsTrustDomain(value) ? null : $"'{Short(value)}' is not a trust domain (lower case letters, digits, '.', '-', '_')";

    /// <summary>CIDR.</summary>
    public static string? Network(string value) =>
        IPNetwork.TryParse(value, out _) ? null : $"'{Short(value)}' is not a network such as 10.0.0.0/8";

    private static string Short(string value) => value.Length <= 64 ? value : value[..64] + "…";

    private static bool IsToken(string value, int maxLength) =>
        value.Length > 0 && value.Length <= maxLength && !value.AsSpan().ContainsAnyExcept(TokenCharacters);

    private static bool IsLabel(ReadOnlySpan<char> value) =>
        value.Length is > 0 and <= 63 && !value.ContainsAnyExcept(LowerDash) && value[0] != '-' && value[^1] != '-';

    private static bool IsLabelValue(ReadOnlySpan<char> value) =>
        value.Length is > 0 and <= 63 && !value.ContainsAnyExcept(LabelCharacters)
        && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]);

    // No request's path has a parameter when rules look at it: such a pattern would never match.
    private static string? UnambiguousPath(string value) =>
        Path(value) ?? (value.Contains(';') ? $"'{Short(value)}' must not contain ';'" : null);

    private static bool IsPattern(string value) =>
        value.Length is > 1 and <= MaxPath && value.Count(c => c == '*') == 1 && (value[0] == '*' || value[^1] == '*');

    private static bool IsPrincipalPattern(string value)
    {
        const string scheme = "spiffe://";
        var fixedPart = value.Trim('*');
        return value.Length == fixedPart.Length + 1 && value.Length <= 2048
            && fixedPart.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '/' or '.' or '-' or '_' or ':')
            && (value[0] == '*' || fixedPart.StartsWith(scheme, StringComparison.Ordinal));
    }

    private static bool IsPathText(ReadOnlySpan<char> value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '%')
            {
                if (i + 2 >= value.Length || !char.IsAsciiHexDigit(value[i + 1]) || !char.IsAsciiHexDigit(value[i + 2]))
                {
                    return false;
                }

                i += 2;
            }
            else if (!PathCharacters.Contains(value[i]))
            {
                return false;
            }
        }

        return true;
    }
}

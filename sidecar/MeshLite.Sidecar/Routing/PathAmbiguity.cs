namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Why a request's path may mean one thing to a rule and another to the application, which receives it as sent. Where a
/// rule looks at paths, such a request must be refused.
/// </summary>
[Flags]
internal enum PathAmbiguity
{
    /// <summary>One meaning.</summary>
    None = 0,

    /// <summary><c>%2F</c>: a slash to some, a letter to others.</summary>
    EncodedSlash = 1,

    /// <summary><c>\</c> or <c>%5C</c>: a slash to Windows-minded servers and to WHATWG URL parsers.</summary>
    Backslash = 2,

    /// <summary>
    /// A segment <c>.</c> or <c>..</c>, also in part encoded, also with a parameter behind it (<c>..;x</c>: servlet
    /// containers drop parameters before they resolve dots).
    /// </summary>
    DotSegment = 4,

    /// <summary><c>//</c>: some servers merge slashes.</summary>
    EmptySegment = 8,

    /// <summary><c>%00</c>, or a NUL itself: the end of the string to some.</summary>
    Nul = 16,

    /// <summary>A <c>%</c> without two hexadecimal digits behind it.</summary>
    BadEncoding = 32,

    /// <summary>
    /// A control character, space, <c>#</c>, or one outside ASCII: not allowed in a request target (RFC 9112 §3.2), and
    /// read in as many ways as there are servers. Also where a path does not begin with a slash.
    /// </summary>
    IllegalCharacter = 64,
}

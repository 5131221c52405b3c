namespace MeshLite.Sidecar.Routing;

/// <summary>
/// A request target taken apart by <see cref="PathNormalizer"/>: offsets into the raw target, and a string of its own
/// only where the normalised path differs from the path sent. Immutable; the raw target is what gets forwarded.
/// </summary>
internal readonly struct RequestTarget
{
    private readonly string? _rewritten;
    private readonly int _authorityStart;
    private readonly int _pathStart;
    private readonly int _pathEnd;

    internal RequestTarget(string raw, TargetForm form, int authorityStart, int pathStart, int pathEnd, string? rewritten, PathAmbiguity ambiguity)
    {
        Raw = raw;
        Form = form;
        Ambiguity = ambiguity;
        _authorityStart = authorityStart;
        _pathStart = pathStart;
        _pathEnd = pathEnd;
        _rewritten = rewritten;
    }

    /// <summary>As sent.</summary>
    public string Raw { get; }

    /// <summary>Which form it has; <see cref="TargetForm.Invalid"/> is the caller's protocol error.</summary>
    public TargetForm Form { get; }

    /// <summary>In how many ways raw and normalised path could differ in meaning.</summary>
    public PathAmbiguity Ambiguity { get; }

    /// <summary>Whether <see cref="Ambiguity"/> names anything.</summary>
    public bool IsAmbiguous => Ambiguity != PathAmbiguity.None;

    /// <summary>
    /// What rules match: without query; unreserved characters decoded, hexadecimal digits in upper case, dot segments
    /// removed (RFC 3986 §6.2.2). <c>*</c> for the asterisk form, empty for the authority form.
    /// </summary>
    public ReadOnlySpan<char> Path => _rewritten is null ? Raw.AsSpan(_pathStart, _pathEnd - _pathStart) : _rewritten;

    /// <summary>The path as sent, without query.</summary>
    public ReadOnlySpan<char> RawPath => Raw.AsSpan(_pathStart, _pathEnd - _pathStart);

    /// <summary>
    /// What may be logged: the path as sent. Empty for forms without one; an authority may hold a password.
    /// </summary>
    public ReadOnlySpan<char> LogPath => RawPath.IndexOf('#') is var fragment and >= 0 ? RawPath[..fragment] : RawPath;

    /// <summary>The query as sent, without the question mark; empty where there is none.</summary>
    public ReadOnlySpan<char> Query => _pathEnd < Raw.Length ? Raw.AsSpan(_pathEnd + 1) : default;

    /// <summary>The authority named by an absolute or authority form; empty otherwise.</summary>
    public ReadOnlySpan<char> Authority => Form is TargetForm.Absolute or TargetForm.Authority
        ? Raw.AsSpan(_authorityStart, (Form == TargetForm.Authority ? Raw.Length : _pathStart) - _authorityStart)
        : default;
}
